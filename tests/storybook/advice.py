"""What each rule says, on one page to be read and accepted: one case for each shape that its advice takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.reasoning.conclusions import Advice, Propose, Suggestion, Withdraw
from rules.reasoning.evaluation import Evaluation
from tests.storybook.case import Case

HEAD = """\
# What each rule says

One case for each shape that the advice of a rule takes: how urgent, how many paragraphs, which orders are offered, and
whether one of them may be chosen. It stands here whether the rule speaks at the hook of the case or gives way to
another. `make golden` writes this page; read its diff as a clinician would.
"""


def page(told: Iterable[tuple[Case, Evaluation]], only: str = "") -> str:
    """The page of all rules, or of one, from cases with what the rules conclude from them."""
    found: dict[str, dict[object, str]] = {}
    for case, evaluation in told:
        for firing in evaluation.trace.firings:
            if isinstance(firing.outcome, Advice) and only in ("", firing.rule):
                shapes = found.setdefault(firing.rule, {})
                if _shape(firing.outcome) not in shapes:
                    shapes[_shape(firing.outcome)] = "\n".join(_entry(case, firing.outcome))
    return HEAD + "".join(f"\n## {rule}\n{''.join(found[rule].values())}" for rule in sorted(found))


def _shape(advice: Advice) -> object:
    return (
        advice.indicator,
        len(advice.detail),
        tuple(tuple(_action(one, "a day") for one in each.actions) for each in advice.suggestions),
        advice.choice,
        bool(advice.about),
    )


def _entry(case: Case, advice: Advice) -> Iterator[str]:
    yield ""
    yield f"### {case.told.title}"
    yield ""
    yield f"**{advice.indicator}** {advice.summary}"
    if advice.about:
        yield f"(about `{advice.about}`)"
    for paragraph in advice.detail:
        yield ""
        yield paragraph
    if advice.suggestions:
        yield ""
        yield "At most one of:" if advice.choice else "Offered:"
        yield ""
        yield from (_suggestion(one) for one in advice.suggestions)
    yield ""


def _suggestion(one: Suggestion) -> str:
    recommended = " (recommended)" if one.recommended else ""
    return f"- {one.label}{recommended}: {', '.join(_action(action) for action in one.actions)}"


def _action(action: Propose | Withdraw, day: str = "") -> str:
    if isinstance(action, Withdraw):
        return f"delete `{action.reference}`" if not day else "delete"
    due = f" on {day or action.due}" if action.due else ""
    return f"`{action.order}`{' at once' if action.urgent else ''}{due}"
