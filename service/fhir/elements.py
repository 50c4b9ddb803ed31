"""The FHIR data types and parts of resources that are read, holding only the members that are read.

Everything else is skipped unparsed.

Decoded JSON holds no cycles: the garbage collector need not look at it (`gc=False`), which a large chart would feel.
"""

from __future__ import annotations

import msgspec


class Coding(msgspec.Struct, omit_defaults=True, gc=False, frozen=True):
    """One code of one system."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(msgspec.Struct, omit_defaults=True, gc=False, frozen=True):
    """A thing by its codes and its words."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Reference(msgspec.Struct, omit_defaults=True, gc=False):
    """A pointer to another resource, or only its words."""

    reference: str | None = None
    display: str | None = None


class Period(msgspec.Struct, omit_defaults=True, gc=False):
    """Start and end; dates stay strings, the timeline makes intervals of them."""

    start: str | None = None
    end: str | None = None


class Quantity(msgspec.Struct, omit_defaults=True, gc=False):
    """A measured value with its unit in words (`unit`) and as a UCUM code (`code`)."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class ReferenceRange(msgspec.Struct, omit_defaults=True, gc=False):
    """The range that a laboratory calls normal."""

    low: Quantity | None = None
    high: Quantity | None = None


class Annotation(msgspec.Struct, omit_defaults=True, gc=False):
    """A note."""

    text: str = ""


class Repeat(msgspec.Struct, omit_defaults=True, gc=False):
    """How often a dose repeats."""

    boundsPeriod: Period | None = None
    count: int | None = None
    period: float | None = None
    periodUnit: str | None = None


class Timing(msgspec.Struct, omit_defaults=True, gc=False):
    """When doses are given."""

    event: list[str] = []
    repeat: Repeat | None = None


class DoseAndRate(msgspec.Struct, omit_defaults=True, gc=False):
    """The amount of one dose."""

    doseQuantity: Quantity | None = None


class Dosage(msgspec.Struct, omit_defaults=True, gc=False):
    """How a drug is to be used."""

    text: str | None = None
    timing: Timing | None = None
    route: CodeableConcept | None = None
    doseAndRate: list[DoseAndRate] = []


class AdministeredDosage(msgspec.Struct, omit_defaults=True, gc=False):
    """How a drug was given once."""

    text: str | None = None
    route: CodeableConcept | None = None
    dose: Quantity | None = None


class Extension(msgspec.Struct, omit_defaults=True, gc=False):
    """An extension with a coded value; only those of known URLs are read."""

    url: str = ""
    valueCoding: Coding | None = None


class Participant(msgspec.Struct, omit_defaults=True, gc=False):
    """Who takes part in an appointment."""

    status: str | None = None
    actor: Reference | None = None


class CodeableReference(msgspec.Struct, omit_defaults=True, gc=False):
    """FHIR R5: a thing by its codes, or a pointer to a resource that holds them."""

    concept: CodeableConcept | None = None
    reference: Reference | None = None


class Contained(msgspec.Struct, omit_defaults=True, gc=False):
    """A resource inside of another; only drugs are looked at."""

    resourceType: str = ""
    id: str | None = None
    code: CodeableConcept | None = None


class Supply(msgspec.Struct, omit_defaults=True, gc=False):
    """How long an order is valid, and how often it may be supplied again."""

    validityPeriod: Period | None = None
    numberOfRepeatsAllowed: int | None = None


class Component(msgspec.Struct, omit_defaults=True, gc=False):
    """One of several values that were measured together."""

    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    referenceRange: list[ReferenceRange] = []


class Series(msgspec.Struct, omit_defaults=True, gc=False):
    """A series of images."""

    modality: Coding | None = None
    bodySite: Coding | None = None


class ClaimItem(msgspec.Struct, omit_defaults=True, gc=False):
    """One thing that was billed, and how many units of it."""

    sequence: int | None = None
    productOrService: CodeableConcept | None = None
    servicedDate: str | None = None
    servicedPeriod: Period | None = None
    quantity: Quantity | None = None


class Insurance(msgspec.Struct, omit_defaults=True, gc=False):
    """What FHIR demands of every claim; nothing is read from it."""

    sequence: int | None = None
    focal: bool | None = None
    coverage: Reference | None = None
