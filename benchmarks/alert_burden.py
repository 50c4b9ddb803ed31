"""How often clinicians would be interrupted: cards a patient in a population made by rule, by group and urgency.

Four groups are drawn with a fixed seed: 1,000 people whose denosumab is on time, 1,000 without denosumab, 200 whose
doses lapsed and 100 who fractured after that, all with what charts hold besides (diagnoses, drugs, blood tests, old
fractures). Each opens once at patient-view. Run `make alert-burden`; it exits with 1 when a person on time gets a
warning or a critical card.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from rules.knowledge_base import load_knowledge
from service.cds_hooks.cards import CardMaker
from tests.storybook.case import Case, Told
from tests.storybook.given import Diagnosis, DrugTaken, Given, Injections, Person, VertebralFracture, When
from tests.storybook.outcome import Then
from tests.storybook.routes import InProcess

AS_OF = date(2026, 3, 1)
SEED = 20260301
URGENCY = ("info", "warning", "critical")
DIAGNOSES = {"hypertension": 0.5, "osteoporosis": 0.9, "breast cancer": 0.06, "back pain": 0.2, "heart failure": 0.05}
DRUGS = {"calcium carbonate": 0.6, "omeprazole 20 mg": 0.3, "lisinopril 10 mg": 0.35, "ibuprofen 400 mg": 0.1}
LEVELS = ("T7", "T8", "T11", "T12", "L1", "L2", "L3", "L4")

Draw = Callable[[Random], Given]


def _ago(days: int) -> str:
    return (AS_OF - timedelta(days=days)).isoformat()


def _chart(chance: Random, **members: object) -> Given:
    """A person with what charts hold besides; chronic complaints began years ago, fractures before any injection."""
    history = tuple(
        Diagnosis(what=what, since=_ago(chance.randint(900, 4000)))
        for what, share in DIAGNOSES.items()
        if chance.random() < share
    )
    drugs = tuple(
        DrugTaken(drug=what, from_=_ago(chance.randint(400, 2000)))
        for what, share in DRUGS.items()
        if chance.random() < share
    )
    tests = _ago(chance.randint(1, 300))
    laboratory: dict[str, str | list[str]] = {
        "calcium": f"{chance.uniform(2.22, 2.55):.2f} mmol/L on {tests} (normal 2.20 to 2.60)",
        "eGFR": f"{max(20, chance.gauss(72, 16)):.0f} mL/min/{{1.73_m2}} on {tests}",
    }
    old = (VertebralFracture(levels=("T9",), onset=_ago(6000)),) if chance.random() < 0.15 else ()
    fractures = (*old, *members.pop("vertebral_fractures", ()))  # type: ignore[misc]
    return Given(
        patient=Person(age=chance.randint(55, 90), sex="female" if chance.random() < 0.9 else "male"),
        history=history,
        drugs_taken=drugs,
        laboratory=laboratory,
        vertebral_fractures=fractures,
        **members,  # type: ignore[arg-type]
    )


def _injections(chance: Random, last: int) -> Injections:
    return Injections(doses=chance.randint(2, 14), last=_ago(last))


def _on_time(chance: Random) -> Given:
    return _chart(chance, denosumab=_injections(chance, chance.randint(0, 180)))


def _without(chance: Random) -> Given:
    return _chart(chance)


def _lapsed(chance: Random) -> Given:
    return _chart(chance, denosumab=_injections(chance, chance.randint(215, 900)))


def _fractured(chance: Random) -> Given:
    last = chance.randint(260, 600)
    broken = chance.sample(LEVELS, chance.randint(1, 5))
    fracture = VertebralFracture(levels=tuple(broken), onset=_ago(chance.randint(5, last - 215)))
    return _chart(chance, denosumab=_injections(chance, last), vertebral_fractures=(fracture,))


GROUPS: dict[str, tuple[int, Draw]] = {
    "denosumab on time": (1000, _on_time),
    "without denosumab": (1000, _without),
    "lapsed": (200, _lapsed),
    "fractured after a lapse": (100, _fractured),
}


@dataclass
class Burden:
    """What one group is shown."""

    people: int = 0
    quiet: int = 0
    cards: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    @property
    def interrupted(self) -> int:
        """Cards that are more than information."""
        return self.cards["warning"] + self.cards["critical"]


def people(group: str, size: int, draw: Draw, seed: str = f"{SEED}") -> Iterator[Case]:
    """So many people of a group, each with a name of its own; the same ones from the same seed."""
    chance = Random(f"{seed} {group}")
    for number in range(size):
        told = Told(
            title=f"{seed} {group} {number}", given=draw(chance), when=When(as_of=AS_OF.isoformat()), then=Then()
        )
        yield Case("burden", group, told)


def burdens() -> Iterator[tuple[str, Burden]]:
    """Each group with its burden."""
    product = InProcess.of(load_knowledge())
    maker = CardMaker(product.knowledge)
    for name, (size, draw) in GROUPS.items():
        found = Burden()
        for one in people(name, size, draw):
            evaluation = product.evaluate(one)
            cards = maker.cards(evaluation)
            found.people += 1
            found.quiet += not cards
            found.cards.update(card.indicator for card in cards)
            found.rules.update(one.rule for one in evaluation.conclusions)
        yield name, found


def main() -> int:
    """Print the table; 1 when people whose denosumab is on time are interrupted."""
    found = dict(burdens())
    print("| group | people | no card | cards a person | info | warning | critical | rules, most frequent first |")
    print("|---|---|---|---|---|---|---|---|")
    for name, one in found.items():
        shares = " | ".join(f"{one.cards[word] / one.people:.3f}" for word in URGENCY)
        rules = ", ".join(f"{rule} ({number / one.people:.0%})" for rule, number in one.rules.most_common(6)) or "none"
        cards = one.cards.total() / one.people
        print(f"| {name} | {one.people} | {one.quiet / one.people:.1%} | {cards:.2f} | {shares} | {rules} |")
    return 1 if found["denosumab on time"].interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
