"""What one deployment runs with: the knowledge as its site set it, and all that is built on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from rules.knowledge_base import Knowledge, load_knowledge
from rules.reasoning.evaluation import Evaluation
from service.assessing import Assessor
from service.cds_hooks.cards import CardMaker
from service.cds_hooks.fetching import Access
from service.cds_hooks.parts import queries
from service.cds_hooks.problems import BadRequest, Overloaded
from service.cds_hooks.services import Service, services
from service.clients import Anonymous, Capabilities, Client, Clients, FhirAccess, read_clients
from service.fhir.reader import UnreadableDocument
from service.fhir.server import FhirServers
from service.settings import Settings
from service.submission import Submission
from service.turns import TooLong, Turns

Entry: TypeAlias = Client | Anonymous
"""Who calls, as the registry of clients knows it."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that answers, shared by all threads of a process.

    `services` are those of a client of which nothing special is known; `services_of` those of a caller.
    """

    settings: Settings
    knowledge: Knowledge
    assessor: Assessor
    cards: CardMaker
    services: Mapping[str, Service]
    clients: Clients = field(default_factory=Clients)
    fhir: FhirServers = field(default_factory=FhirServers)
    _turns: Turns = field(default_factory=Turns)
    _services: dict[Capabilities, Mapping[str, Service]] = field(default_factory=dict)
    _accesses: dict[tuple[FhirAccess, Capabilities], Access] = field(default_factory=dict)

    def services_of(self, caller: Entry) -> Mapping[str, Service]:
        """The services by id as `caller` discovers them; made once for all callers that can do the same."""
        known = self._services.get(caller.capabilities)
        if known is None:
            known = self._services.setdefault(caller.capabilities, services(self.knowledge, caller.capabilities))
        return known

    def access(self, caller: Entry) -> Access:
        """What may be fetched for `caller`, within the time budget and the size of a request."""
        key = (caller.fhir, caller.capabilities)
        if key not in self._accesses:
            self._accesses[key] = Access.of(
                caller.fhir,
                caller.capabilities,
                queries(self.knowledge.terminology, caller.capabilities),
                self.fhir,
                seconds=self.settings.time_budget_ms / 1000,
                max_bytes=self.settings.max_body_bytes,
            )
        return self._accesses[key]

    def evaluate(self, submission: Submission, as_of: date) -> Evaluation:
        """The evaluation of the one patient of a hook call.

        Raises:
            BadRequest: FHIR in it cannot be read.
            Overloaded: other evaluations took longer than the time budget.
            ClinicalCoreError: the evaluation is void.
        """
        try:
            return self.assessor.evaluate(submission, as_of)
        except UnreadableDocument as error:
            raise BadRequest(str(error)) from None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One call at a time is computed, in the order in which they came.

        Raises:
            Overloaded: those before it took longer than the time budget.
        """
        try:
            with self._turns.turn(self.settings.time_budget_ms / 1000):
                yield
        except TooLong:
            raise Overloaded("this worker is busy; ask again, with a new token where one is needed") from None


def site_knowledge(settings: Settings) -> Knowledge:
    """The knowledge with the limits, codes and switched-off rules of a site.

    Raises:
        KnowledgeError: what the site set does not hold; the message names file and entry.
    """
    return load_knowledge(
        jurisdiction=settings.jurisdiction,
        limits_file=settings.limits_file,
        local_codes=settings.local_codes_dir,
        disabled=settings.disabled_rules,
        sign_offs=settings.sign_offs_file,
    )


def site_assessor(settings: Settings) -> Assessor:
    """Reads and evaluates as the site set it; raises like `site_knowledge`."""
    return Assessor(site_knowledge(settings), verify=settings.verify == "always")


def site_cards(settings: Settings, knowledge: Knowledge) -> CardMaker:
    """Makes as many cards as the site wants, linked to its pages."""
    return CardMaker(knowledge, max_cards=settings.max_cards, base_url=settings.base_url)


def deploy(settings: Settings) -> Deployment:
    """Build everything once.

    Raises:
        KnowledgeError: what the site set does not hold; the message names file and entry.
        ClientsError: the registry of clients does not hold.
    """
    clients = read_clients(settings.clients_file)
    assessor = site_assessor(settings)
    knowledge = assessor.knowledge
    return Deployment(settings, knowledge, assessor, site_cards(settings, knowledge), services(knowledge), clients)


def fhir_version(caller: Entry) -> str | None:
    """The FHIR version that a caller speaks; None when nobody has registered a server for those without a name."""
    return caller.fhir.version if isinstance(caller, Client) or caller.fhir.servers else None
