"""What came of each question about the record, sent or fetched: all of it, nothing, a part, or why it did not come."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

from rules.reasoning.timeline import Gap
from service.cds_hooks.fetching import Access, Fetch, Fetched
from service.cds_hooks.parts import CONDITIONS, MEDICATIONS, PARTS, PATIENT, SEARCHES, USUAL, Part
from service.cds_hooks.problems import BadRequest, RequiredDataMissing, ServerAtFault
from service.cds_hooks.references import drugs_elsewhere
from service.cds_hooks.requests import HookRequest
from service.cds_hooks.sent_fhir import Outcome, SentFhir, look_at
from service.fhir.bundles import Plain
from service.fhir.server import Trouble
from service.observation.call import noted


class Answered(Enum):
    """What came of a question, in the words of a card."""

    NOT_SENT = "not sent"
    FAILED = "could not be read"
    FIRST_PAGE = "first page only"
    IN_PART = "only what the scope of the token shows"
    WARNED = "sent with a warning of the server"
    WHOLE = "complete"


_HAD = (Answered.WHOLE, Answered.WARNED, Answered.IN_PART, Answered.FIRST_PAGE)
_NOT_ALL = (Answered.IN_PART, Answered.FIRST_PAGE)


class State(msgspec.Struct, frozen=True, gc=False):
    """What came of one question, and why the FHIR server could not make up for what is missing, if it was asked."""

    answered: Answered
    trouble: Trouble | None = None

    @property
    def words(self) -> str:
        """Both, for a card or an error."""
        if self.trouble is None or self.trouble is Trouble.NO_SERVER:
            return self.answered.value
        return f"{self.answered.value}, and {self.trouble.value}"


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A value that came, the name by which it is told, and what of it was decoded already."""

    name: str
    data: bytes
    decoded: Plain | None


@dataclass(frozen=True, slots=True)
class Prefetched:
    """The parts of a record that came, by key.

    `gaps` says what did not come or is not whole, `incomplete` under which keys. From the required parts in `in_part`
    no absence may be concluded: not all of them was seen.
    """

    values: Mapping[str, Sent]
    gaps: tuple[Gap, ...]
    incomplete: tuple[str, ...]
    in_part: tuple[str, ...]


def read_prefetch(request: HookRequest, access: Access | None = None) -> Prefetched:
    """What came of each question; keys that nobody asked for are ignored.

    What is missing or failed is fetched from the FHIR server of the request, as far as `access` goes; without it
    nothing is fetched from anywhere.

    Raises:
        BadRequest: a value is no FHIR, or is about another patient.
        ServerAtFault: the FHIR server sent a record of another patient.
        RequiredDataMissing: the patient, the diagnoses, or every source of medication was not answered.
    """
    fetch = Fetch(request, access) if access is not None else None
    tolerated = access.tolerated if access is not None else USUAL.tolerated_warnings
    values: dict[str, Sent] = {}
    came: dict[str, State] = {}
    wanted: list[Part] = []
    paged: set[str] = set()
    for part in PARTS:
        raw = request.prefetch.get(part.key)
        value = None if raw == b"null" else raw
        found = _looked_at(value, part.element, request, tolerated) if value is not None else None
        state = _came(part, raw, found) if value is None or found is not None else Answered.FAILED
        if raw is not None and found is not None:
            values[part.key] = Sent(part.element, raw, found.decoded)
        # A query that found nothing is not made again; one that failed or stopped after a page may succeed here.
        if raw is None or state is Answered.FAILED or state is Answered.FIRST_PAGE:
            wanted.append(part)
        if found is not None and found.has_next_page:
            paged.add(part.key)
        came[part.key] = State(state)
    gaps: list[Gap] = []
    if fetch is not None:
        _fetch_parts(fetch, wanted, paged, request, values, came)
        gaps = _fetch_drugs(fetch, request, values)
    if (call := noted()) is not None:
        call.prefetch = {key: state.answered.name.lower() for key, state in came.items()}
        troubles = {state.trouble for state in came.values()} - {None, Trouble.NO_SERVER}
        call.troubles = tuple(one.name.lower() for one in troubles if one is not None)
    _require(came, fetch)
    lacking = [part for part in SEARCHES if came[part.key].answered is not Answered.WHOLE]
    return Prefetched(
        values=values,
        gaps=(
            *(Gap(part.words, f"{came[part.key].words}: {part.risk}", part in MEDICATIONS) for part in lacking),
            *gaps,
        ),
        incomplete=tuple(part.key for part in lacking),
        in_part=_in_part(came),
    )


def read_context(request: HookRequest) -> dict[str, Sent]:
    """The Bundles of the context, by the name of their member.

    Raises:
        BadRequest: one is no FHIR, or a resource is not of the patient whom the request is about.
    """
    found: dict[str, Sent] = {}
    for name, raw in request.bundles.items():
        one = _looked_at(raw, element := f"context.{name}", request)
        if one is None:
            raise BadRequest("is no FHIR resource", element)
        found[name] = Sent(element, raw, one.decoded)
    return found


def _fetch_parts(
    fetch: Fetch,
    wanted: Iterable[Part],
    paged: Container[str],
    request: HookRequest,
    values: dict[str, Sent],
    came: dict[str, State],
) -> None:
    """Put what the FHIR server has in the place of what is missing; of the keys in `paged` the first page is there."""
    parts = list(wanted)
    if not parts:
        return
    pages = {one.key: values[one.key].data for one in parts if one.key in paged}
    for key, fetched in fetch.parts(parts, pages).items():
        part = next(one for one in parts if one.key == key)
        found = _judged(fetched, (part.resource, "Bundle", "OperationOutcome"), request, fetch.tolerated)
        if fetched.data is None or found is None:
            came[key] = State(came[key].answered, fetched.trouble or Trouble.NO_FHIR)
            continue
        state = _fetched_state(part, fetched, found)
        # What a failed query brought along is kept until another brings more.
        if state.answered is not Answered.FAILED or key not in values:
            values[key] = Sent(f"fhirServer.{key}", fetched.data, found.decoded)
        came[key] = state


def _fetched_state(part: Part, fetched: Fetched, found: SentFhir) -> State:
    answered = _came(part, fetched.data, found)
    if answered is Answered.FAILED:
        return State(answered, fetched.trouble or Trouble.FAILED)
    if fetched.trouble is not None:
        return State(Answered.FIRST_PAGE, fetched.trouble)
    return State(Answered.IN_PART if fetched.in_part else answered)


def _fetch_drugs(fetch: Fetch, request: HookRequest, values: dict[str, Sent]) -> list[Gap]:
    """Add the drugs that records and orders only refer to; what is not known of them."""
    if fetch.obstacle is not None:
        return []
    sources = [*(sent.data for sent in values.values()), *request.bundles.values()]
    ids = drugs_elsewhere(sources, fetch.base)
    if not ids:
        return []
    fetched = fetch.medications(ids)
    found = _judged(fetched, ("Bundle",), request, fetch.tolerated)
    if fetched.data is not None and found is not None:
        values["medications"] = Sent("fhirServer.medications", fetched.data, found.decoded)
    trouble = fetched.trouble or (Trouble.NO_FHIR if found is None else None)
    if found is not None and found.outcome is Outcome.ERROR:
        trouble = trouble or Trouble.FAILED
    if trouble is None:
        return []
    return [
        Gap(
            "drugs that records refer to",
            f"{State(Answered.NOT_SENT, trouble).words}: a drug may be missing",
            drugs=True,
        )
    ]


def _judged(
    fetched: Fetched, kinds: tuple[str, ...], request: HookRequest, tolerated: Container[str]
) -> SentFhir | None:
    """What an answer of the FHIR server says of itself; None when it is none that was asked for.

    Raises:
        ServerAtFault: it holds a record of another patient, so that nothing that this server says can be relied upon.
    """
    if fetched.data is None:
        return None
    try:
        found = look_at(fetched.data, request.patient, tolerated)
    except RecursionError:
        return None
    if found is None or found.resource_type not in kinds:
        return None
    if found.stranger is not None:
        raise ServerAtFault("answered with a record that is not of the patient in context.patientId", "fhirServer")
    return found


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
    if found.has_next_page or found.is_cut:
        return Answered.FIRST_PAGE
    return Answered.WARNED if found.outcome is Outcome.WARNING else Answered.WHOLE


def _looked_at(raw: bytes, element: str, request: HookRequest, tolerated: Container[str] = ()) -> SentFhir | None:
    """What a value says of itself; None when it is no FHIR, which is what a failed query may leave."""
    try:
        found = look_at(raw, request.patient, tolerated)
    except RecursionError:
        raise BadRequest("is nested too deep", element) from None
    if found is not None and found.stranger is not None:
        raise BadRequest("is not of the patient in context.patientId", f"{element}{found.stranger}")
    return found


def _require(came: Mapping[str, State], fetch: Fetch | None) -> None:
    lacking = [part for part in (PATIENT, CONDITIONS) if came[part.key].answered not in _HAD]
    said = [f"{part.element} is required ({came[part.key].words})" for part in lacking]
    if not any(came[part.key].answered in _HAD for part in MEDICATIONS):
        sources = ", ".join(part.element for part in MEDICATIONS)
        why = "; ".join(dict.fromkeys(came[part.key].words for part in MEDICATIONS))
        said.append(f"one of {sources} must be answered, be it with nothing ({why})")
        lacking += MEDICATIONS
    if not said:
        return
    if len(lacking) == 1:  # The problem names its one element itself.
        said = [said[0].removeprefix(f"{lacking[0].element} ")]
    if fetch is None:
        said.append("what is missing is not fetched from fhirServer here")
    elif fetch.obstacle is Trouble.NO_SERVER:
        said.append("the request names no fhirServer from which it could be fetched")
    raise RequiredDataMissing("; ".join(said), *(part.element for part in lacking))


def _in_part(came: Mapping[str, State]) -> tuple[str, ...]:
    found = [CONDITIONS.element] if came[CONDITIONS.key].answered in _NOT_ALL else []
    medications = {part.element: came[part.key].answered for part in MEDICATIONS if came[part.key].answered in _HAD}
    if all(state in _NOT_ALL for state in medications.values()):
        found += medications
    return tuple(found)
