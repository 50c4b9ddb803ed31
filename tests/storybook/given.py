"""The words in which a case tells a patient's record; a word that is not one of these is an error."""

from __future__ import annotations

from typing import Literal

import msgspec


def spaced(name: str) -> str:
    """The word of a case for the name of a member: `from_` is "from", `recorded_as` is "recorded as"."""
    return name.rstrip("_").replace("_", " ")


class Words(msgspec.Struct, forbid_unknown_fields=True, rename=spaced):
    """Members written with spaces; anything else is refused."""


class Person(Words):
    """`age` in whole years on the day of evaluation, or `born` as a FHIR date; neither when it is not known.

    `died` is a FHIR date, or "some day" when the record says no more than that.
    """

    age: int | None = None
    born: str | None = None
    sex: Literal["female", "male", "unknown"] | None = "female"
    died: str | None = None


RecordedAs = Literal["administrations", "injection procedures", "dispenses", "claims", "completed orders"]


class Injections(Words):
    """Doses of denosumab: a number of them at an interval up to the last, or the days by themselves.

    `every` is "6 months" or "4 weeks". `status` replaces the usual status of the records; `named` says how the record
    names the drug; `dose` is the amount that the record states beside the product ("60 mg"). `order` names the request
    ("order-1") that the records belong to. `valid_until` is the end of the validity of completed orders, `repeats` how
    often they may be supplied again. A claim bills J0897, with as many units as `dose` has milligrams.
    """

    product: str = "Prolia 60 mg"
    doses: int | None = None
    every: str = "6 months"
    last: str | None = None
    on: tuple[str, ...] = ()
    recorded_as: RecordedAs = "administrations"
    status: str | None = None
    named: Literal["by code", "in words only", "by reference", "by a contained drug"] = "by code"
    dose: str | None = None
    order: str | None = None
    valid_until: str | None = None
    repeats: int | None = None


class Statement(Words):
    """That denosumab is, was or is not taken, without its injections; `because` is why, `dosage` is free text."""

    status: str
    product: str = "Prolia 60 mg"
    from_: str | None = None
    to: str | None = None
    on: str | None = None
    asserted: str | None = None
    because: str | None = None
    dosage: str | None = None


class Order(Words):
    """An order on record of a drug or service; `planned` is the day it is for."""

    of: str
    status: str = "active"
    written: str | None = None
    planned: str | None = None
    intent: str = "order"
    do_not_perform: bool = False
    named: str | None = None


class VertebralFracture(Words):
    """One or several levels of one day, a Condition each.

    `onset` is a FHIR date or "2025-06-10 to 2026-01-10". `words` replace "Compression fracture of T12".
    """

    levels: tuple[str, ...] = ()
    onset: str | None = None
    recorded: str | None = None
    coded_as: str = "osteoporotic fracture, initial encounter"
    words: str | None = None
    level_as_code: bool = False
    verification: str | None = "confirmed"
    encounter_diagnosis: bool = False
    encounter_started: str | None = None


class Diagnosis(Words):
    """A diagnosis other than a vertebral fracture."""

    what: str
    since: str | None = None
    recorded: str | None = None
    resolved: str | None = None
    clinical_status: str = "active"
    verification: str = "confirmed"


class DrugTaken(Words):
    """A drug other than denosumab that the patient takes or took; `handed_over` is the day of a dispense."""

    drug: str
    from_: str | None = None
    to: str | None = None
    status: str = "active"
    recorded_as: Literal["a statement", "a dispense", "an order"] = "a statement"


class GivenOnce(Words):
    """Something given or done on one day: an infusion, an injection, a procedure."""

    on: str
    what: str = "zoledronic acid 5 mg"
    dose: str | None = None
    status: str = "completed"
    recorded_as: Literal["an administration", "a procedure"] = "an administration"


class Imaged(Words):
    """An image that was taken, known from the study or from its report; `says` is the conclusion."""

    what: str
    on: str
    known_from: Literal["the study", "the report", "a procedure"] = "the study"
    says: str | None = None


class Appointment(Words):
    """A visit; `for` is free text."""

    on: str
    for_: str = "Prolia 60 mg injection"
    status: str = "booked"


class Stay(Words):
    """A stay in hospital; one without an end goes on."""

    from_: str
    to: str | None = None


class Allergy(Words):
    """An allergy or intolerance to a drug."""

    to: str
    clinical_status: str = "active"
    verification: str = "confirmed"


class Given(Words):
    """The record of one patient. `laboratory` is by test: "2.05 mmol/L on 2026-02-20 (normal 2.20 to 2.60)".

    `as_FHIR` are whole resources in JSON, for what no clinician would say (records that are broken).
    """

    patient: Person = msgspec.field(default_factory=Person)
    denosumab: Injections | tuple[Injections, ...] = ()
    denosumab_statement: Statement | tuple[Statement, ...] = ()
    vertebral_fractures: tuple[VertebralFracture, ...] = ()
    history: tuple[str | Diagnosis, ...] = ()
    drugs_taken: tuple[DrugTaken, ...] = ()
    given_once: tuple[GivenOnce, ...] = ()
    orders: tuple[Order, ...] = ()
    images: tuple[Imaged, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    stays: tuple[Stay, ...] = ()
    allergies: tuple[str | Allergy, ...] = ()
    laboratory: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    as_FHIR: tuple[str, ...] = ()


class When(Words):
    """The moment and the place: the day, the hook, the orders that are being written ("stop Prolia 60 mg")."""

    as_of: str
    jurisdiction: Literal["US", "EU", "UK", "CA", "AU"] = "US"
    hook: str = "patient-view"
    drafts: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
