"""The clinical part over random records: what may not matter does not, and the class is that of a small table."""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.reasoning.dates import DateInterval
from rules.reasoning.evaluation import Evaluation
from service.fhir.reader import Document
from tests.storybook.given import (
    DrugTaken,
    Given,
    GivenOnce,
    Injections,
    Order,
    RecordedAs,
    Statement,
    VertebralFracture,
)
from tests.storybook.record import bundle, record
from tests.storybook.routes import InProcess
from tests.storybook.vocabulary import Json

ROUTE = InProcess.of()
AS_OF = date(2026, 3, 1)
LEVELS = ("T6", "T7", "T8", "T11", "T12", "L1", "L2", "L3", "L4")

days = st.dates(date(2019, 1, 1), AS_OF)
recorded: st.SearchStrategy[RecordedAs] = st.sampled_from(
    ["administrations", "injection procedures", "dispenses", "completed orders"]
)
products = st.sampled_from(["Prolia 60 mg", "Xgeva 120 mg", "denosumab, strength not stated"])
lists = st.lists(days, min_size=1, max_size=6, unique=True).map(sorted)


def iso(day: date) -> str:
    return day.isoformat()


@st.composite
def injections(draw: st.DrawFn) -> Injections:
    return Injections(
        product=draw(products),
        on=tuple(map(iso, draw(lists))),
        recorded_as=draw(recorded),
        named=draw(st.sampled_from(["by code", "in words only", "by reference", "by a contained drug"])),
    )


@st.composite
def fractures(draw: st.DrawFn) -> VertebralFracture:
    onset = draw(days)
    precise = draw(st.sampled_from([iso(onset), f"{onset:%Y-%m}", f"{onset:%Y}", None]))
    coding = st.sampled_from(["osteoporotic fracture, initial encounter", "compression fracture", "words only"])
    return VertebralFracture(
        levels=tuple(draw(st.lists(st.sampled_from(LEVELS), max_size=3, unique=True))),
        onset=precise,
        recorded=iso(onset + timedelta(days=20)) if draw(st.booleans()) else None,
        coded_as=draw(coding),
        words=draw(st.sampled_from([None, "Compression fracture of T12 vertebra", "New compression fracture of L1"])),
    )


@st.composite
def records(draw: st.DrawFn) -> Given:
    """Whole records: doses of every kind and strength, statements, stops, fractures, bridges."""
    start, end = sorted(draw(st.tuples(days, days)))
    statement = Statement(
        status=draw(st.sampled_from(["active", "stopped", "completed", "on-hold"])), from_=iso(start), to=iso(end)
    )
    stop = Order(of="Prolia 60 mg", status=draw(st.sampled_from(["stopped", "active"])), written=iso(draw(days)))
    return Given(
        denosumab=tuple(draw(st.lists(injections(), max_size=2))),
        denosumab_statement=(statement,) if draw(st.booleans()) else (),
        vertebral_fractures=tuple(draw(st.lists(fractures(), max_size=3))),
        drugs_taken=(DrugTaken(drug="alendronate 70 mg", from_=iso(draw(days))),) if draw(st.booleans()) else (),
        given_once=(GivenOnce(on=iso(draw(days))),) if draw(st.booleans()) else (),
        orders=(stop,) if draw(st.booleans()) else (),
    )


def evaluated(*documents: Sequence[Json], as_of: date = AS_OF) -> Evaluation:
    sent = [Document(f"{number}.json", json.dumps(bundle(one)).encode()) for number, one in enumerate(documents)]
    [timeline] = ROUTE.reader.read(sent, as_of=as_of).timelines
    return ROUTE.evaluator.evaluate(timeline)


def told(given_: Given, as_of: date = AS_OF) -> list[Json]:
    return record("anybody", given_, as_of)


def concluded(evaluation: Evaluation) -> dict[str, Any]:
    """All that is concluded, and on which records, whatever their order."""
    course = evaluation.denosumab
    return {
        "state": course.state,
        "product": course.product,
        "doses": [(dose.when, dose.basis, dose.product, frozenset(dose.evidence)) for dose in course.doses],
        "last dose": course.last_dose,
        "long": course.exposure_long,
        "fractures": sorted(
            (str(one.event), one.fracture_class, one.levels, one.reason, sorted(set(one.evidence)))
            for one in evaluation.fractures
        ),
        "class": evaluation.fracture_class,
        "rules": [(one.rule, one.advice.indicator, one.advice.summary) for one in evaluation.conclusions],
        "notes": evaluation.notes,
        "unusable": sorted((one.reference, one.element, one.reason) for one in evaluation.unusable),
    }


@settings(deadline=None, max_examples=150)
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_the_records_changes_nothing(given_: Given, random: Any) -> None:
    resources = told(given_)
    shuffled = list(resources)
    random.shuffle(shuffled)
    assert concluded(evaluated(shuffled)) == concluded(evaluated(resources))


@settings(deadline=None, max_examples=150)
@given(records(), st.data())
def test_records_sent_twice_change_nothing(given_: Given, data: st.DataObject) -> None:
    resources = told(given_)
    twice = data.draw(st.lists(st.sampled_from(resources[1:]), max_size=4)) if len(resources) > 1 else []
    expected, found = concluded(evaluated(resources)), concluded(evaluated([*resources, *twice]))
    for one in (expected, found):
        one["unusable"] = sorted(set(one["unusable"]))
    assert found == expected


@settings(deadline=None, max_examples=150)
@given(records(), st.data())
def test_a_record_split_into_files_is_the_same_record(given_: Given, data: st.DataObject) -> None:
    resources = told(given_)
    place = data.draw(st.integers(1, len(resources)))
    assert concluded(evaluated(resources[:place], resources[place:])) == concluded(evaluated(resources))


@settings(deadline=None, max_examples=100)
@given(records(), st.sampled_from(["hypertension", "pneumonia", "heart failure"]), days)
def test_a_record_of_something_else_changes_nothing(given_: Given, what: str, day: date) -> None:
    more = told(Given(history=(f"{what} since {day}",), drugs_taken=(DrugTaken(drug="ibuprofen 400 mg"),)))[1:]
    resources = told(given_)
    assert concluded(evaluated([*resources, *more])) == concluded(evaluated(resources))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(fractures(), min_size=1, max_size=3),
    lists,
    st.lists(st.integers(61, 900), min_size=1, max_size=3, unique=True),
    recorded,
)
def test_a_dose_after_a_fracture_never_changes_its_class(
    broken: list[VertebralFracture], before: list[date], later: list[int], how: RecordedAs
) -> None:
    today = date(2029, 1, 1)
    told_ = Given(vertebral_fractures=tuple(broken), denosumab=(Injections(on=tuple(map(iso, before))),))
    resources = told(told_, today)
    evaluation = evaluated(resources, as_of=today)
    # So long after all of it that the new records cannot be further records of the doses before.
    last = max([*before, *(one.event.latest for one in evaluation.fractures if one.event.latest <= AS_OF)])
    doses = tuple(iso(last + timedelta(days=ago)) for ago in later)
    more = told(Given(denosumab=(Injections(on=doses, recorded_as=how),)), today)[1:]
    renamed = [{**one, "id": f"later-{one['id']}"} for one in more]
    assert dated(evaluated([*resources, *renamed], as_of=today)) == dated(evaluation)


def dated(evaluation: Evaluation) -> list[tuple[str, str, tuple[str, ...]]]:
    """The classes of the fractures that certainly happened before the later doses."""
    return sorted(
        (str(one.event), one.fracture_class, one.levels) for one in evaluation.fractures if one.event.latest <= AS_OF
    )


def moved(day: date, months: int) -> date:
    """The same day of another month; the day is one that every month has."""
    place = day.year * 12 + day.month - 1 + months
    return date(place // 12, place % 12 + 1, day.day)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 28),
    st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True),
    st.integers(0, 70),
    st.integers(-120, 120),
)
def test_all_dates_moved_by_whole_months_together_change_neither_state_nor_class(
    day: int, before: list[int], fracture: int, months: int
) -> None:
    """Doses and fracture lie whole months before today: limits in days cannot come between."""
    today = date(2026, 3, day)

    def seen(by: int) -> tuple[object, ...]:
        doses = sorted(moved(today, by - ago) for ago in before)
        broken = VertebralFracture(levels=("T12",), onset=iso(moved(today, by - fracture)))
        told_ = Given(denosumab=(Injections(on=tuple(map(iso, doses))),), vertebral_fractures=(broken,))
        found = evaluated(told(told_, moved(today, by)), as_of=moved(today, by))
        [one] = found.fractures
        course = found.denosumab
        return course.state, course.dose_count, course.months_since, one.fracture_class, one.months_after_last_dose

    assert seen(months) == seen(0)


def after(start: date, months: int) -> date:
    """The limit of so many months, by the calendar: reckoned here without the product's own arithmetic."""
    place = start.year * 12 + start.month - 1 + months
    year, month = place // 12, place % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def by_the_table(doses: Sequence[date], event: date) -> str:
    """The class of a low-trauma fracture of an adult, by the definitions: dated doses of 60 mg, no bridge."""
    if not doses:
        return "VFX_OSTEOPOROTIC"
    given_before = [dose for dose in doses if dose <= event]
    if not given_before:
        return "VFX_PRIOR"
    index = max(given_before)
    if event <= after(index, 6):
        return "VFX_ON_TREATMENT"
    if event > after(index, 36):
        return "VFX_OSTEOPOROTIC"
    in_window = after(index, 7) - timedelta(days=14) <= event <= after(index, 24)
    return "RVFX_PROBABLE" if in_window and len(given_before) >= 2 else "RVFX_POSSIBLE"


@settings(deadline=None, max_examples=400)
@given(st.lists(days, max_size=5, unique=True).map(sorted), days, st.data())
def test_the_class_is_that_of_the_table(doses: list[date], event: date, data: st.DataObject) -> None:
    near: bool = data.draw(st.booleans())
    if doses and near:
        # Near a limit of one of the doses, where it matters.
        edge = after(data.draw(st.sampled_from(doses)), data.draw(st.sampled_from([6, 7, 24, 36])))
        event = edge + timedelta(days=data.draw(st.integers(-16, 2)))
        assume(event <= AS_OF)
    told_ = Given(
        denosumab=(Injections(on=tuple(map(iso, doses))),) if doses else (),
        vertebral_fractures=(VertebralFracture(levels=("T12",), onset=iso(event)),),
    )
    [found] = evaluated(told(told_)).fractures
    assert found.event == DateInterval.on(event)
    assert found.fracture_class == by_the_table(doses, event)
