"""Calls CDS services with the client of healthchain; run by its own Python, which the product does not share.

Standard input: {"cds": address of the services, "calls": [{"service": id, "request": {...}}]}. Standard output: a list,
an answer each: {"said": response as received, "read": the cards as its models read them, "refused": members without
which its models refuse the response}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from healthchain.models import CDSRequest, CDSResponse  # type: ignore[import-not-found]
from healthchain.models.hooks import (  # type: ignore[import-not-found]
    EncounterDischargeContext,
    OrderSelectContext,
    OrderSignContext,
    PatientViewContext,
)
from healthchain.sandbox import SandboxClient  # type: ignore[import-not-found]
from pydantic import BaseModel, SerializeAsAny, ValidationError

CONTEXTS = {
    "patient-view": PatientViewContext,
    "order-select": OrderSelectContext,
    "order-sign": OrderSignContext,
    "encounter-discharge": EncounterDischargeContext,
}


class Request(CDSRequest):  # type: ignore[misc]
    """Its request, with two members as the specification has them: the whole context, and an object as extension."""

    context: SerializeAsAny[BaseModel]
    extension: dict[str, Any] | None = None


def answered(cds: str, service: str, request: dict[str, Any]) -> dict[str, Any]:
    """One call, as its sandbox makes it."""
    client = SandboxClient(url=f"{cds}/{service}", workflow=request["hook"], timeout=60)
    context = CONTEXTS[request["hook"]](**request["context"])
    client.requests.append(Request(**{**request, "context": context}))
    [said] = client.send_requests()
    refused = sorted(lacking(said))
    for card in said.get("cards", ()):
        for suggestion in card.get("suggestions", ()):
            suggestion.setdefault("isRecommended", None)
        for link in card.get("links", ()):
            link.setdefault("autoLaunchable", None)
    read = CDSResponse.model_validate(said).model_dump(mode="json", exclude_none=True)
    return {"said": said, "read": read["cards"], "refused": refused}


def lacking(said: dict[str, Any]) -> set[str]:
    """What its models miss, such as "summary"; every other fault is an error."""
    try:
        CDSResponse.model_validate(said)
    except ValidationError as error:
        if any(one["type"] != "missing" for one in error.errors()):
            raise
        return {str(one["loc"][-1]) for one in error.errors()}
    return set()


def main() -> None:
    """Answer what stands on standard input."""
    asked = json.load(sys.stdin)
    print(json.dumps([answered(asked["cds"], one["service"], one["request"]) for one in asked["calls"]]))


if __name__ == "__main__":
    main()
