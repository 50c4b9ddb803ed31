"""An assessment as a short report for a reader at a terminal: state, doses, fractures, conclusions, what is missing."""

from __future__ import annotations

from rich.text import Text

from rules.reasoning.conclusions import Conclusion
from rules.reasoning.evaluation import Evaluation
from service import words
from service.reports.page import Page, joined, styled

_LABEL = 2
_BODY = 16


def write_assessment(page: Page, evaluation: Evaluation, name: str) -> None:
    """Write the report of one patient; `name` is the file it was read from."""
    page.gap()
    heading = f"{evaluation.patient}  ({name})" if name else evaluation.patient
    page.heading(heading, f"as of {evaluation.as_of.isoformat()}")
    _denosumab(page, evaluation)
    _fractures(page, evaluation)
    _conclusions(page, evaluation)
    for note in evaluation.notes:
        _put(page, "Note", note)
    write_missing(page, evaluation)


def _put(page: Page, label: str, body: Text | str) -> None:
    page.put(body, label=styled(label, "quiet"), indent=_LABEL if label else _BODY, hang=_BODY)


def _denosumab(page: Page, evaluation: Evaluation) -> None:
    course = evaluation.denosumab
    product = "" if course.state == "NEVER" else f"{words.PRODUCTS.get(course.product, course.product)}: "
    _put(page, "Denosumab", f"{product}{course.state} ({words.state(course)})")
    for line in (words.doses(course), words.further(course)):
        if line:
            _put(page, "", line)


def _fractures(page: Page, evaluation: Evaluation) -> None:
    if not evaluation.fractures:
        _put(page, "Fractures", "no vertebral fracture on record")
        return
    for number, event in enumerate(evaluation.fractures):
        meaning = "critical" if event.fracture_class.startswith("RVFX") else "heading"
        decides = (
            " (decides)"
            if event.fracture_class == evaluation.fracture_class and number == _deciding(evaluation)
            else ""
        )
        first = joined([styled(event.fracture_class, meaning), words.fracture(event) + decides])
        _put(page, "" if number else "Fractures", first)
        page.put(f"{event.reason}  [{', '.join(event.evidence)}]", indent=_BODY + 2)
        if event.despite_bridge:
            page.put("despite a bisphosphonate given in between", indent=_BODY + 2)


def _deciding(evaluation: Evaluation) -> int:
    """The number of the event whose class decides: the first recent one of that class, else the first of it."""
    same = [n for n, event in enumerate(evaluation.fractures) if event.fracture_class == evaluation.fracture_class]
    recent = [n for n in same if evaluation.fractures[n].recent]
    return (recent or same or [-1])[0]


def _conclusions(page: Page, evaluation: Evaluation) -> None:
    if not evaluation.conclusions:
        where = f" at {evaluation.hook}" if evaluation.hook else ""
        _put(page, "Conclusions", f"no rule has anything to say{where}")
    for number, conclusion in enumerate(evaluation.conclusions):
        _put(page, "" if number else "Conclusions", conclusion_line(conclusion))
        page.put(joined([", ".join(conclusion.evidence), ", ".join(conclusion.citations)], "; "), indent=_BODY + 2)
    gone = ", ".join(f"{gone.rule} gives way to {gone.by}" for gone in evaluation.suppressed)
    if gone:
        _put(page, "Not repeated", gone)


def conclusion_line(conclusion: Conclusion) -> Text:
    """Urgency, rule and summary: "CRITICAL  RVFX-01  Probable rebound ..."."""
    indicator = conclusion.advice.indicator.value
    return joined([styled(indicator.upper(), indicator), conclusion.rule, conclusion.advice.summary])


def write_missing(page: Page, evaluation: Evaluation) -> None:
    """What could not be had or read, so that silence is never taken for a finding."""
    for gap in evaluation.gaps:
        _put(page, "Not had", f"{gap.part}: {gap.reason}")
    for number, said in enumerate(words.unusables(evaluation.unusable)):
        _put(page, "" if number else "Not read", said)
