"""A FHIR server as a client sees it, and the fixtures as records on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.servers.java import PATIENCE, ROOT

Json = dict[str, Any]

FIXTURES = ROOT / "fhir_fixtures"
PATIENT_ID = "{{context.patientId}}"


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A server at a base address such as http://127.0.0.1:8080/fhir."""

    base: str
    http: httpx.Client

    @classmethod
    def at(cls, base: str, **headers: str) -> FhirServer:
        """A server that takes its time."""
        return cls(base, httpx.Client(timeout=PATIENCE, headers=headers, trust_env=False))

    def get(self, query: str) -> httpx.Response:
        """The answer to "Condition?patient=p", whatever it is."""
        return self.http.get(f"{self.base}/{query}", headers={"Accept": "application/fhir+json"})

    def found(self, query: str) -> Json:
        """What a query found."""
        answer = self.get(query)
        assert answer.status_code == 200, answer.text
        resource: Json = answer.json()
        return resource

    def load(self, resources: Sequence[Json]) -> None:
        """Put all resources there under their own ids, or none."""
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in resources
        ]
        transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = self.http.post(self.base, json=transaction, headers={"Content-Type": "application/fhir+json"})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["entry"]) == len(resources)

    def prefetch(self, templates: Mapping[str, str], patient: str) -> Json:
        """What the queries of discovery find for a patient, by key, page by page as it comes."""
        return {key: self.found(query.replace(PATIENT_ID, patient)) for key, query in templates.items()}


def hook_requests() -> dict[str, Json]:
    """The hook requests of the fixtures by "hook/story", with ids that no two patients share.

    The fixtures call a fracture `fracture-t12` whosever it is; on one server the last patient would have it alone.
    """
    found: dict[str, Json] = {}
    for number, path in enumerate(sorted((FIXTURES / "hooks").rglob("*.json"))):
        request = read(path)
        own = {one["id"]: f"h{number}-{one['id']}" for one in prefetched(request) if one["resourceType"] != "Patient"}
        found[f"{path.parent.name}/{path.stem}"] = _renamed(request, own)
    return found


def records(besides: frozenset[str]) -> Iterator[list[Json]]:
    """The records of the patients of the fixtures (R4), without some, with ids that no two patients share."""
    for number, path in enumerate(sorted((FIXTURES / "patients").rglob("r4.json"))):
        record = [entry["resource"] for entry in read(path)["entry"]]
        [patient] = (one["id"] for one in record if one["resourceType"] == "Patient")
        if patient not in besides:
            own = {one["id"]: f"p{number}-{one['id']}" for one in record if one["resourceType"] != "Patient"}
            yield _renamed(record, own)


def prefetched(request: Json) -> list[Json]:
    """Every resource in the prefetch of a hook request, once."""
    found: dict[tuple[str, str], Json] = {}
    for value in request["prefetch"].values():
        entries = [entry["resource"] for entry in value.get("entry", ())] if value and "entry" in value else [value]
        for one in entries:
            if one and one["resourceType"] != "Bundle":
                found[one["resourceType"], one["id"]] = one
    return list(found.values())


def read(path: Path) -> Json:
    """The JSON of a file."""
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _renamed(one, names) for key, one in value.items()}
    if "resourceType" in changed and changed["resourceType"] != "Patient" and changed.get("id") in names:
        changed["id"] = names[changed["id"]]
    for member in ("reference", "fullUrl"):
        start, slash, last = str(changed.get(member, "")).rpartition("/")
        if slash and not start.endswith("Patient"):
            changed[member] = f"{start}/{names.get(last, last)}"
    return changed
