"""What a case expects, and how an answer falls short of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from rules.reasoning.evaluation import Evaluation, FractureSummary
from tests.storybook.given import Words
from tests.storybook.vocabulary import Json

Indicator = Literal["info", "warning", "critical"]


class ExpectedFracture(Words):
    """One fracture event: `months` after the index dose are "10", or "9 to 15"; `because` is a part of the reason."""

    class_: str
    levels: tuple[str, ...] | None = None
    when: str | None = None
    months: str | None = None
    despite_bridge: bool | None = None
    because: str | None = None


class Then(Words):
    """What must come of a case; what is not said is not checked.

    `class` is the class that decides for the patient, "none" without a fracture. `fires` are exactly the rules that
    speak at the hook; `speaks` and `silent` some of them, `leads` the most urgent. `offers` and `does_not_offer` are
    labels of suggestions or of the orders in them. `notes` and `unusable` are parts of the sentences.
    """

    state: str | None = None
    product: str | None = None
    doses: int | None = None
    last_dose: str | None = None
    basis: str | None = None
    months: str | None = None
    long_exposure: bool | None = None
    stopped: str | None = None
    class_: str | None = None
    fractures: tuple[ExpectedFracture, ...] | None = None
    fires: tuple[str, ...] | None = None
    speaks: tuple[str, ...] = ()
    leads: str | None = None
    silent: tuple[str, ...] = ()
    indicator: dict[str, Indicator] = msgspec.field(default_factory=dict)
    summary_contains: dict[str, str] = msgspec.field(default_factory=dict)
    detail_contains: dict[str, str] = msgspec.field(default_factory=dict)
    detail_without: dict[str, str] = msgspec.field(default_factory=dict)
    offers: tuple[str, ...] = ()
    does_not_offer: tuple[str, ...] = ()
    notes: tuple[str, ...] | None = None
    unusable: tuple[str, ...] | None = None


def differences(then: Then, evaluation: Evaluation, answer: Json) -> list[str]:
    """Every expectation that is not met, as "state: expected ACTIVE, got DUE"."""
    return [*_course(then, evaluation), *_fractures(then, evaluation), *_rules(then, evaluation), *_cards(then, answer)]


def _course(then: Then, evaluation: Evaluation) -> Iterator[str]:
    course = evaluation.denosumab
    found = {
        "state": course.state,
        "product": course.product,
        "doses": course.dose_count,
        "last dose": str(course.last_dose),
        "basis": course.basis,
        "months": _range(course.months_since),
        "long exposure": course.exposure_long,
        "stopped": str(course.stopped),
    }
    yield from _unlike(
        {
            "state": then.state,
            "product": then.product,
            "doses": then.doses,
            "last dose": then.last_dose,
            "basis": then.basis,
            "months": then.months,
            "long exposure": then.long_exposure,
            "stopped": then.stopped,
        },
        found,
    )
    yield from _missing("notes", then.notes or (), evaluation.notes)
    if then.notes == () and evaluation.notes:
        yield f"notes: expected none, got {evaluation.notes}"
    if then.unusable is not None:
        said = [f"{one.reference} {one.element}: {one.reason}" for one in evaluation.unusable]
        yield from _missing("unusable", then.unusable, said)
        if len(said) != len(then.unusable):
            yield f"unusable: expected {len(then.unusable)}, got {said}"


def _fractures(then: Then, evaluation: Evaluation) -> Iterator[str]:
    if then.class_ is not None:
        yield from _unlike({"class": then.class_}, {"class": evaluation.fracture_class or "none"})
    if then.fractures is None:
        return
    found = evaluation.fractures
    if len(found) != len(then.fractures):
        yield f"fractures: expected {len(then.fractures)}, got {[(one.fracture_class, one.levels) for one in found]}"
        return
    for place, (expected, got) in enumerate(zip(then.fractures, found, strict=True), 1):
        yield from (f"fracture {place} {line}" for line in _fracture(expected, got))


def _fracture(expected: ExpectedFracture, got: FractureSummary) -> Iterator[str]:
    yield from _unlike(
        {
            "class": expected.class_,
            "levels": tuple(expected.levels) if expected.levels is not None else None,
            "when": expected.when,
            "months": expected.months,
            "despite bridge": expected.despite_bridge,
        },
        {
            "class": got.fracture_class,
            "levels": got.levels,
            "when": str(got.event),
            "months": _range(got.months_after_last_dose),
            "despite bridge": got.despite_bridge,
        },
    )
    if expected.because is not None:
        yield from _missing("because", [expected.because], [got.reason])


def _rules(then: Then, evaluation: Evaluation) -> Iterator[str]:
    spoke = {one.rule: one for one in evaluation.conclusions}
    if then.fires is not None and sorted(then.fires) != sorted(spoke):
        yield f"fires: expected {sorted(then.fires)}, got {sorted(spoke)}"
    if then.leads is not None and then.leads != next(iter(spoke), None):
        yield f"leads: expected {then.leads}, got {next(iter(spoke), None)}"
    yield from (f"speaks: {rule} is silent" for rule in then.speaks if rule not in spoke)
    yield from (f"silent: {rule} speaks" for rule in then.silent if rule in spoke)
    indicators = {f"indicator of {rule}": one.advice.indicator.value for rule, one in spoke.items()}
    yield from _unlike({f"indicator of {rule}": word for rule, word in then.indicator.items()}, indicators)
    summaries = {rule: [one.advice.summary] for rule, one in spoke.items()}
    details = {rule: list(one.advice.detail) for rule, one in spoke.items()}
    for what, wanted, said in (
        ("summary", then.summary_contains, summaries),
        ("detail", then.detail_contains, details),
    ):
        for rule, words in wanted.items():
            yield from _missing(f"{what} of {rule}", [words], said.get(rule, []))
    for rule, words in then.detail_without.items():
        if any(words in one for one in details.get(rule, [words])):
            yield f"detail of {rule}: is absent, or says {words!r}"


def _cards(then: Then, answer: Json) -> Iterator[str]:
    offered = set(offers(answer["cards"]))
    yield from (f"offers: no {words!r}; there are {sorted(offered)}" for words in then.offers if words not in offered)
    yield from (f"does not offer: {words!r} is offered" for words in then.does_not_offer if words in offered)


def offers(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    """The labels of all suggestions, and of the orders in them."""
    suggestions = [one for card in cards for one in card.get("suggestions", ())]
    labels = [one["label"] for one in suggestions]
    labels += [action["description"].removeprefix("Draft order: ") for one in suggestions for action in one["actions"]]
    return list(dict.fromkeys(labels))


def _unlike(expected: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for name, value in expected.items():
        if value is not None and value != found.get(name):
            yield f"{name}: expected {value}, got {found.get(name)}"


def _missing(name: str, wanted: Iterable[str], said: Sequence[str]) -> Iterator[str]:
    yield from (f"{name}: nothing says {part!r} in {list(said)}" for part in wanted if not any(part in s for s in said))


def _range(months: Any) -> str | None:
    if months is None:
        return None
    if months.max is None:
        return f"{months.min} or more"
    return str(months.min) if months.min == months.max else f"{months.min} to {months.max}"
