"""Words that several topics use: months, doses, fractures, the orders of a work-up."""

from __future__ import annotations

from rules.reasoning.conclusions import Propose, Suggestion
from rules.reasoning.dates import DateInterval, whole_months
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.facts.denosumab import Course, Today
from rules.reasoning.facts.laboratory import SafetyTests
from rules.reasoning.facts.patient import NextDose

BASIS = {
    "administered": "recorded as given",
    "dispensed": "known from the pharmacy only",
    "stated": "from a statement, not from a record of the injection",
    "inferred": "inferred from an order or from intervals",
}

MRI = Suggestion("Order MRI of the thoracic and lumbar spine with STIR", (Propose("mri-spine", urgent=True),))
RADIOGRAPHS = Suggestion("Order lateral radiographs of the thoracic and lumbar spine", (Propose("xray-spine"),))
TO_NEPHROLOGY = Suggestion("Refer to nephrology", (Propose("referral-nephrology"),))
REFERRAL = Suggestion("Refer to metabolic bone disease", (Propose("referral-metabolic-bone"),))


def laboratory(label: str, *tests: str) -> Suggestion:
    """One suggestion that orders several laboratory tests together."""
    return Suggestion(label, tuple(Propose(f"lab-{test}") for test in tests))


ORDERS_OF_TEST = {"calcium": ("calcium", "albumin"), "kidney": ("creatinine",), "vitamin D": ("25ohd",)}


def work_up(tests: SafetyTests) -> Suggestion:
    """The laboratory work-up of a fracture; what is known and fresh is not ordered again."""
    missing = (order for test in tests.missing for order in ORDERS_OF_TEST[test])
    return laboratory(
        "Order the laboratory work-up", *missing, "pth", "alp", "cbc", "crp", "spep", "flc", "ctx", "p1np"
    )


SAFETY_TESTS = laboratory(
    "Order calcium, albumin, creatinine and 25-hydroxyvitamin D today", "calcium", "albumin", "creatinine", "25ohd"
)


def months_between(start: DateInterval, end: DateInterval) -> str:
    """Whole months elapsed, as one number or as a range."""
    least, most = whole_months(start.latest, end.earliest), whole_months(start.earliest, end.latest)
    return str(least) if least == most else f"{least} to {most}"


def months_since_last_dose(course: Course, today: Today) -> str:
    """Whole months since the last dose of denosumab."""
    return months_between(course.last.when, DateInterval.on(today.when)) if course.last else "an unknown number of"


def booked_too_late(booking: NextDose) -> str:
    """That the booked visit is too late, as a sentence that follows another; "" when it is not."""
    return f" The visit booked for {booking.too_late} is too late." if booking.too_late is not None else ""


def index_sentence(verdict: DecidingClass, course: Course) -> str:
    """The dose on which the class of a fracture rests, and what was given after the fracture."""
    index = verdict.index
    if index is None or course.last is None or course.last.when.earliest <= index.when.latest:
        said = dose_sentence(course)
    else:
        said = f"Last dose of denosumab before the fracture: {index.when}, {BASIS[index.basis]}."
    since = f" Given since the fracture: {', '.join(verdict.treatments)}." if verdict.treatments else ""
    return said + since


def dose_sentence(course: Course) -> str:
    """Which date of the last dose was used, and how sure it is."""
    if course.last is None:
        return "No date of an injection of denosumab is known."
    return f"Last dose of denosumab used: {course.last.when}, {BASIS[course.last.basis]}; {course.doses} dated doses."
