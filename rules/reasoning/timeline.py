"""What the record of one patient says, without FHIR: the only thing the clinical core reads.

Whoever fills a timeline has already left out what never counts (entered in error, refuted, not done, drafts of the
record, future dates) and has named in `unusable` what could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TypeVar, overload

from rules.reasoning.dates import DateInterval


class Standing(StrEnum):
    """What the status of a record means for the timeline, whatever word its FHIR version uses."""

    HAPPENED = "happened"  # completed, final, a confirmed diagnosis, a fulfilled appointment
    ACTIVE = "active"  # going on, or ordered and not yet done
    STOPPED = "stopped"  # stopped, cancelled, ordered not to be done
    ON_HOLD = "on-hold"
    NOT_TAKEN = "not-taken"  # a statement, with a reason, that the drug is not taken: a stop, never exposure
    UNCERTAIN = "uncertain"  # on record, and whether, when or how it was taken is not known: never a dose or a stop
    PLANNED = "planned"  # intended, proposed, a plan: never a dose
    DRAFT = "draft"  # an order still being written, from the context of an order hook


class MedicationRecord(StrEnum):
    """The kind of document a medication is known from."""

    ADMINISTRATION = "administration"
    DISPENSE = "dispense"
    CLAIM = "claim"
    STATEMENT = "statement"
    REQUEST = "request"


SUPPLIED = frozenset({MedicationRecord.DISPENSE, MedicationRecord.CLAIM})
"""What shows that a drug was handed over, and not whether it was taken."""


@dataclass(frozen=True, slots=True)
class Code:
    """One coding, its system already under its short name ("snomed", "icd-10-cm", ...), or as given if unknown."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalEvent:
    """What every record has: where it stands, what it is about, and when.

    `concepts` are names of `rules/terminology/*.csv`; `text` is every display and free text of the record, joined by
    " | "; `recorded` is the day it was written down (recordedDate, authoredOn, issued).
    """

    reference: str
    concepts: frozenset[str]
    standing: Standing
    when: DateInterval | None = None
    recorded: DateInterval | None = None
    codes: tuple[Code, ...] = ()
    text: str = ""


E = TypeVar("E", bound=ClinicalEvent)
E2 = TypeVar("E2", bound=ClinicalEvent)
E3 = TypeVar("E3", bound=ClinicalEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationEvent(ClinicalEvent):
    """An administration, dispense, claim, statement or request.

    `when` is the administration, hand-over or service, the start of a statement, the planned day of a request; `ended`
    the end of a statement's period or of a request's validity; `changed` the day on which a request came to stand as
    it does, where that is on record. `dose_mg` is the strength of one dose when quantity or text state it;
    `interval_months` the repeat of the dosage, `repeated` whether a request is for more than one dose. `order` is the
    request that an administration or dispense names. `prohibited` is FHIR's doNotPerform. `from_context` marks the
    orders of an order hook's context (a stop in it is a stop being ordered now), `selected` those that the call is
    about.
    """

    record: MedicationRecord
    ended: DateInterval | None = None
    changed: DateInterval | None = None
    dose_mg: float | None = None
    interval_months: float | None = None
    repeated: bool = False
    order: str | None = None
    prohibited: bool = False
    from_context: bool = False
    selected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionEvent(ClinicalEvent):
    """A diagnosis or problem: `when` is onset[x]; `encounter_start` the day its encounter began."""

    confirmed: bool = True
    active: bool = True
    encounter_diagnosis: bool = False
    encounter_start: DateInterval | None = None
    ended: DateInterval | None = None
    body_sites: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureEvent(ClinicalEvent):
    """Something done to the patient: an injection, an augmentation, dialysis, an operation."""

    body_sites: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(ClinicalEvent):
    """A service request: imaging, laboratory, procedure or referral; `when` is the day it is planned for."""

    body_sites: tuple[Code, ...] = ()
    from_context: bool = False
    selected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationEvent(ClinicalEvent):
    """One measured value in the canonical unit of its concept (`rules.reasoning.units`), or a coded finding.

    A value below or above a number ("<30") lies a trifle beyond it; `low` and `high` are the reference range in the
    same unit.
    """

    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagingEvent(ClinicalEvent):
    """A finished imaging study or its report; concepts say of what ("imaging-spine-mri", ...)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergyEvent(ClinicalEvent):
    """An allergy or intolerance to a substance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterEvent(ClinicalEvent):
    """A contact with care: `when` is its start, `ended` its end, `inpatient` whether it was an admission."""

    ended: DateInterval | None = None
    inpatient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentEvent(ClinicalEvent):
    """A booked or proposed visit; `when` is its day, usually in the future."""


@dataclass(frozen=True, slots=True)
class Patient:
    """The person. `sex` is FHIR's administrative gender, or "" when not stated; `deceased` is as of that day."""

    reference: str
    birth: DateInterval | None = None
    sex: str = ""
    deceased: bool = False


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something that was sent and could not be used: named, never dropped in silence.

    `element` is the FHIR path ("Observation.valueQuantity.unit"), `source` the file or prefetch key.
    """

    reference: str
    reason: str
    element: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the record that could not be had, or not all of it ("administrations", "first page only").

    `drugs` says that a drug which the patient has or had may be missing for that reason, `nothing` that nothing at all
    of the part could be used.
    """

    part: str
    reason: str
    drugs: bool = False
    nothing: bool = False


@dataclass(frozen=True)
class PatientTimeline:
    """Everything known of one patient on the day `as_of`."""

    patient: Patient
    as_of: date
    events: tuple[ClinicalEvent, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @overload
    def of(self, kind: type[E], /) -> tuple[E, ...]: ...
    @overload
    def of(self, kind: type[E], kind_2: type[E2], /) -> tuple[E | E2, ...]: ...
    @overload
    def of(self, kind: type[E], kind_2: type[E2], kind_3: type[E3], /) -> tuple[E | E2 | E3, ...]: ...
    def of(self, *kinds: type[ClinicalEvent]) -> tuple[ClinicalEvent, ...]:
        """The events of these kinds in their order; looked up once, for each is asked for by many facts."""
        found = self._by_kinds.get(kinds)
        if found is None:
            found = self._by_kinds[kinds] = tuple(event for event in self.events if type(event) in kinds)
        return found

    @cached_property
    def _by_kinds(self) -> dict[tuple[type[ClinicalEvent], ...], tuple[ClinicalEvent, ...]]:
        return {}
