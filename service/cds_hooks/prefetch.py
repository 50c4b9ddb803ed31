"""What is asked of the record, and what came of each question: answered, with nothing, in part, failed, not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import Gap
from service.cds_hooks.problems import BadRequest, RequiredDataMissing
from service.cds_hooks.requests import HookRequest
from service.cds_hooks.sent_fhir import Outcome, SentFhir, look_at
from service.fhir.bundles import Plain
from service.observation.call import noted


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the record, asked for under `key`; `risk` says what its absence may hide."""

    key: str
    resource: str
    words: str
    risk: str

    @property
    def element(self) -> str:
        """Where it stands in a request."""
        return f"prefetch.{self.key}"


PATIENT = Part("patient", "Patient", "the patient", "")
CONDITIONS = Part("conditions", "Condition", "diagnoses", "a fracture may be missing")
MEDICATIONS = (
    Part("medicationAdministrations", "MedicationAdministration", "administrations", "a dose given may be missing"),
    Part("medicationDispenses", "MedicationDispense", "dispenses", "a dose handed over may be missing"),
    Part("medicationStatements", "MedicationStatement", "medication statements", "a drug taken may be missing"),
    Part("medicationRequests", "MedicationRequest", "prescriptions", "a drug ordered may be missing"),
)
OPTIONAL = (
    Part("procedures", "Procedure", "procedures", "an injection or operation may be missing"),
    Part("serviceRequests", "ServiceRequest", "orders", "an examination already ordered may be missing"),
    Part("observations", "Observation", "observations", "laboratory values may be missing"),
    Part("diagnosticReports", "DiagnosticReport", "reports", "imaging of the spine may be missing"),
    Part("imagingStudies", "ImagingStudy", "imaging studies", "imaging of the spine may be missing"),
    Part("allergies", "AllergyIntolerance", "allergies", "an allergy may be missing"),
    Part("encounters", "Encounter", "encounters", "the day of an undated diagnosis may be missing"),
    Part("appointments", "Appointment", "appointments", "a planned dose may be missing"),
)
SEARCHES = (CONDITIONS, *MEDICATIONS, *OPTIONAL)
PARTS = (PATIENT, *SEARCHES)

_PAGE = 1000
"""How many records are asked for at once; a server that allows fewer sends a first page, and that is noticed."""


def templates(terminology: Terminology) -> dict[str, str]:
    """The queries of every service by key: one read, and searches in the subset that every client understands.

    Only observations are narrowed, by every LOINC code that means something here: medications and diagnoses in words
    alone, or by reference, would be lost. The codes go without their system, which many records misspell.
    """
    asked = {PATIENT.key: f"{PATIENT.resource}/{{{{context.patientId}}}}"}
    for part in SEARCHES:
        asked[part.key] = f"{part.resource}?patient={{{{context.patientId}}}}&_count={_PAGE}"
    codes = sorted({row.code for row in terminology.rows() if row.system == "loinc" and row.match == "exact"})
    asked["observations"] += f"&code={','.join(codes)}"
    return asked


class Answered(Enum):
    """What came of a question, in the words of a card."""

    NOT_SENT = "not sent"
    FAILED = "could not be read"
    FIRST_PAGE = "first page only"
    WARNED = "sent with a warning of the server"
    WHOLE = "complete"


_HAD = (Answered.WHOLE, Answered.WARNED, Answered.FIRST_PAGE)


@dataclass(frozen=True, slots=True)
class Sent:
    """A value that came, and what of it was decoded already."""

    data: bytes
    decoded: Plain | None


@dataclass(frozen=True, slots=True)
class Prefetched:
    """The parts of a record that came, by key.

    `gaps` says what did not come or is not whole, `incomplete` under which keys. From the required parts in `in_part`
    no absence may be concluded: they are a first page only.
    """

    values: Mapping[str, Sent]
    gaps: tuple[Gap, ...]
    incomplete: tuple[str, ...]
    in_part: tuple[str, ...]


def read_prefetch(request: HookRequest) -> Prefetched:
    """What came of each question; keys that nobody asked for are ignored.

    Raises:
        BadRequest: a value is no FHIR, or is about another patient.
        RequiredDataMissing: the patient, the diagnoses, or every source of medication was not answered.
    """
    values: dict[str, Sent] = {}
    came: dict[str, Answered] = {}
    for part in PARTS:
        raw = request.prefetch.get(part.key)
        found = _looked_at(raw, part.element, request) if raw is not None and raw != b"null" else None
        came[part.key] = _came(part, raw, found)
        if raw is not None and found is not None:
            values[part.key] = Sent(raw, found.decoded)
    if (call := noted()) is not None:
        call.prefetch = {key: answered.name.lower() for key, answered in came.items()}
    _require(came)
    lacking = [part for part in SEARCHES if came[part.key] is not Answered.WHOLE]
    return Prefetched(
        values=values,
        gaps=tuple(Gap(part.words, f"{came[part.key].value}: {part.risk}") for part in lacking),
        incomplete=tuple(part.key for part in lacking),
        in_part=_in_part(came),
    )


def read_context(request: HookRequest) -> dict[str, Sent]:
    """The Bundles of the context, by the name of their member.

    Raises:
        BadRequest: one is no FHIR, or a resource is not of the patient whom the request is about.
    """
    found = {name: _looked_at(raw, f"context.{name}", request) for name, raw in request.bundles.items()}
    return {name: Sent(request.bundles[name], one.decoded) for name, one in found.items()}


def _came(part: Part, raw: bytes | None, found: SentFhir | None) -> Answered:
    if raw is None:
        return Answered.NOT_SENT
    if found is None:
        # A search that found nothing is an answer; a patient who is not found is none.
        return Answered.FAILED if part is PATIENT else Answered.WHOLE
    if found.resource_type not in ("Bundle", "OperationOutcome", part.resource):
        raise BadRequest(f"must be a {part.resource} or a Bundle, an OperationOutcome, or null", part.element)
    if part is PATIENT and not found.holds_patient:
        return Answered.FAILED
    if found.outcome is Outcome.ERROR:
        return Answered.FAILED
    if found.has_next_page:
        return Answered.FIRST_PAGE
    return Answered.WARNED if found.outcome is Outcome.WARNING else Answered.WHOLE


def _looked_at(raw: bytes, element: str, request: HookRequest) -> SentFhir:
    try:
        found = look_at(raw, request.patient)
    except RecursionError:
        raise BadRequest("is nested too deep", element) from None
    if found is None:
        raise BadRequest("is no FHIR resource", element)
    if found.stranger is not None:
        raise BadRequest("is not of the patient in context.patientId", f"{element}{found.stranger}")
    return found


def _require(came: Mapping[str, Answered]) -> None:
    lacking = [part.element for part in (PATIENT, CONDITIONS) if came[part.key] not in _HAD]
    said = [f"{element} is required" for element in lacking]
    if not any(came[part.key] in _HAD for part in MEDICATIONS):
        sources = [part.element for part in MEDICATIONS]
        said.append(f"one of {', '.join(sources)} must be answered, be it with nothing")
        lacking += sources
    if said:
        reason = f"{'; '.join(said)}. What is missing is not fetched from fhirServer by this release."
        raise RequiredDataMissing(reason, *lacking)


def _in_part(came: Mapping[str, Answered]) -> tuple[str, ...]:
    found = [CONDITIONS.element] if came[CONDITIONS.key] is Answered.FIRST_PAGE else []
    medications = {part.element: came[part.key] for part in MEDICATIONS if came[part.key] in _HAD}
    if all(state is Answered.FIRST_PAGE for state in medications.values()):
        found += medications
    return tuple(found)
