"""The services of one deployment: one for each hook at which some rule speaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from rules.knowledge_base import Knowledge
from service.cds_hooks.hooks import HOOKS, Hook
from service.cds_hooks.parts import USUAL, templates
from service.cds_hooks.problems import UnknownService
from service.clients import Capabilities

_NEEDS = (
    "Needs the patient, the diagnoses and at least one source of medication, from prefetch or from fhirServer. What "
    "prefetch does not hold is read from fhirServer when that is registered for the client and the scope of the token "
    "allows it; without them the answer is 412. Advice is complete only with every part of the record."
)


class Service(msgspec.Struct):
    """One entry of discovery (CDS Hooks 2.0.1, "Discovery")."""

    hook: str
    id: str
    title: str
    description: str
    usageRequirements: str
    prefetch: Mapping[str, str]


class Discovery(msgspec.Struct):
    """The whole answer of discovery."""

    services: list[Service]


def services(knowledge: Knowledge, capabilities: Capabilities = USUAL) -> Mapping[str, Service]:
    """The services by id, in the order of the hooks, asking for no more than a client can answer."""
    prefetch = templates(knowledge.terminology, capabilities)
    spoken_at = {hook for entry in knowledge.rules for hook in entry.hooks}
    served = [hook for hook in HOOKS.values() if hook.name in spoken_at]
    return MappingProxyType({_id(hook): _service(hook, prefetch) for hook in served})


def find(known: Mapping[str, Service], service_id: str) -> Service:
    """The service of that id.

    Raises:
        UnknownService: there is none.
    """
    if service_id not in known:
        raise UnknownService(f"no such service; GET /cds-services lists them: {', '.join(known)}")
    return known[service_id]


def _id(hook: Hook) -> str:
    return f"denosumab-rebound-{hook.name}"


def _service(hook: Hook, prefetch: Mapping[str, str]) -> Service:
    return Service(
        hook=hook.name,
        id=_id(hook),
        title=f"Denosumab and rebound vertebral fractures, {hook.moment}",
        description=(
            "Recognises vertebral fractures that rebound after denosumab, doses that are due or lapsed, and treatment "
            f"that is missing or would harm; answers {hook.moment}."
        ),
        usageRequirements=_NEEDS,
        prefetch=prefetch,
    )
