"""An evaluation on one screen: the course drawn, what was found, what fired on which evidence, what did not and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from rules.reasoning.conclusions import Conclusion
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.knowledge import Limits, Source
from rules.reasoning.oracle import Silence
from service import words
from service.reports.course_picture import Glyphs, Windows, draw_course, letter
from service.reports.facts import other_facts
from service.reports.page import Page, joined, shortened, styled
from service.reports.silence import by_reason
from service.reports.text_report import conclusion_line, write_missing

_LABEL = 2
_BODY = 12
_REST = 16


class RuleText(Protocol):
    """What is said here of a rule of the knowledge base."""

    @property
    def id(self) -> str: ...
    @property
    def not_assessed(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Explained:
    """An evaluation over all hooks, with what the knowledge base says of its rules and why others were silent."""

    name: str
    evaluation: Evaluation
    silences: Sequence[Silence]
    rules: Sequence[RuleText]
    sources: Mapping[str, Source]
    limits: Limits


def windows(limits: Limits) -> Windows:
    """The windows of the picture from the limits that decide."""
    return Windows(
        protected_months=limits.months("effect_ends"),
        probable_from_months=limits.months("rebound_window_opens"),
        grace_days=limits.days("rebound_window_tolerance"),
        probable_until_months=limits.months("rebound_window_closes"),
        possible_until_months=limits.months("rebound_over_after"),
    )


def write_explanation(page: Page, explained: Explained, glyphs: Glyphs) -> None:
    """Write the screen of one patient."""
    evaluation = explained.evaluation
    page.gap()
    heading = f"{evaluation.patient}  ({explained.name})" if explained.name else evaluation.patient
    page.heading(heading, f"as of {evaluation.as_of.isoformat()}, knowledge {evaluation.knowledge_version}")
    page.gap()
    draw_course(page, evaluation, windows(explained.limits), glyphs)
    page.gap()
    _course(page, evaluation)
    _fractures(page, evaluation)
    _also_known(page, evaluation)
    _fired(page, explained)
    _silent(page, explained)
    _sources(page, explained, glyphs.cut)
    _missing(page, explained)


def _course(page: Page, evaluation: Evaluation) -> None:
    course = evaluation.denosumab
    product = "" if course.state == "NEVER" else f"{words.PRODUCTS.get(course.product, course.product)}, "
    state = Text.assemble(styled(product), styled(course.state, "heading"))
    body = joined([state, words.state(course)], ": ")
    page.put(body, label=styled("Denosumab", "heading"), hang=_BODY)
    for line in (words.doses(course), words.further(course)):
        if line:
            page.put(line, indent=_BODY)
    for note in evaluation.notes:
        page.put(note, indent=_BODY)


def _fractures(page: Page, evaluation: Evaluation) -> None:
    if not evaluation.fractures:
        page.put("no vertebral fracture on record", label=styled("Fractures", "heading"), hang=_BODY)
        return
    decides = evaluation.fracture_class
    head = f"the class that decides is {decides}" if decides and len(evaluation.fractures) > 1 else ""
    for number, event in enumerate(evaluation.fractures):
        label = styled("" if number else "Fractures", "heading")
        meaning = "critical" if event.fracture_class.startswith("RVFX") else "heading"
        bridge = ", despite a bisphosphonate in between" if event.despite_bridge else ""
        line = joined([letter(number), styled(event.fracture_class, meaning), words.fracture(event)])
        if number:
            page.put(line, indent=_BODY, hang=_REST - 1)
        else:
            page.put(line, label=label, hang=_BODY, further=_REST - 1)
        because = f"because: {event.reason}{bridge}" if event.reason else bridge.removeprefix(", ")
        page.put(joined([because, _listed(event.evidence)], "; "), indent=_REST - 1)
    if head:
        page.put(head, indent=_BODY)


def _also_known(page: Page, evaluation: Evaluation) -> None:
    facts = other_facts(evaluation.trace.facts)
    if facts:
        page.put("; ".join(facts), label=styled("Also known", "heading"), hang=_BODY)


def _listed(references: Sequence[str], most: int = 3) -> str:
    """References one after the other; of a long list the first ones and how many more."""
    rest = len(references) - most
    return ", ".join(references[:most]) + (f" and {rest} more" if rest > 0 else "")


def _fired(page: Page, explained: Explained) -> None:
    evaluation = explained.evaluation
    page.gap()
    page.heading("What fired")
    if not evaluation.conclusions:
        page.put("no rule", indent=_LABEL)
    for conclusion in evaluation.conclusions:
        page.put(conclusion_line(conclusion), indent=_LABEL, hang=_LABEL + 4)
        page.put(_rests_on(conclusion, explained.limits), indent=_LABEL + 4)
    for gone in evaluation.suppressed:
        page.put(f"{gone.rule} also fired, and gives way to {gone.by}", indent=_LABEL)


def _sources(page: Page, explained: Explained, cut: str) -> None:
    """Each source that a conclusion cites, once, with how its statement is known."""
    cited = sorted({name for conclusion in explained.evaluation.conclusions for name in conclusion.citations})
    if not cited:
        return
    page.gap()
    page.heading("Sources")
    for name in cited:
        source = explained.sources.get(name)
        title = f"[{source.certainty}] {source.title}" if source else "not in the list of sources"
        said = shortened(title, page.width - _LABEL - 5, cut)
        page.put(styled(said, "quiet"), label=name, indent=_LABEL, hang=_LABEL + 5)


def _rests_on(conclusion: Conclusion, limits: Limits) -> str:
    said = [f"on {_listed(conclusion.evidence)}" if conclusion.evidence else "on what is absent from the record"]
    decided = [f"{name.replace('_', ' ')} {limits.limit(name)}" for name in conclusion.limits if name in limits]
    if decided:
        said.append(f"limits: {', '.join(decided)}")
    if conclusion.citations:
        said.append(f"sources: {', '.join(conclusion.citations)}")
    return "; ".join(said)


def _silent(page: Page, explained: Explained) -> None:
    if not explained.silences:
        return
    page.gap()
    page.heading("What did not fire, and the condition that was missing")
    absent: list[str] = []
    for reason, rules in by_reason(explained.silences):
        if reason.startswith("no "):
            absent.append(f"{reason} ({_numbers(rules)})")
        else:
            page.put(reason, label=_numbers(rules), indent=_LABEL, hang=_REST)
    if absent:
        # Most rules are about something that most records do not hold: one paragraph is enough for them.
        page.put("; ".join(absent), label="on record:", indent=_LABEL, hang=_REST)


def _numbers(rules: Sequence[str]) -> str:
    """Rule ids, the common beginning once: "RVFX-11, 12"."""
    named = [rules[0]]
    for before, rule in itertools.pairwise(rules):
        family, _, number = rule.partition("-")
        named.append(number if before.startswith(f"{family}-") else rule)
    return ", ".join(named)


def _missing(page: Page, explained: Explained) -> None:
    not_assessed = _not_assessed(explained.rules)
    if not_assessed:
        page.gap()
        page.put("; ".join(not_assessed), label=styled("Not assessed", "heading"), hang=_REST)
    if explained.evaluation.unusable or explained.evaluation.gaps:
        page.gap()
        write_missing(page, explained.evaluation)


def _not_assessed(rules: Iterable[RuleText]) -> list[str]:
    """What no rule could take into account, each once, with the rules it belongs to."""
    about: dict[str, list[str]] = {}
    for rule in rules:
        for condition in rule.not_assessed:
            about.setdefault(condition, []).append(rule.id)
    return [f"{condition} ({_numbers(ids)})" for condition, ids in about.items()]
