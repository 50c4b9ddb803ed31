"""An assessment as the JSON object of the public contract: one line a patient, what is not known is null."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rules.reasoning.dates import DateInterval
from rules.reasoning.evaluation import DenosumabSummary, Evaluation, FractureSummary, MonthRange
from service.cds_hooks.card_messages import Card

_STEERING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""Characters that JSON lets through and that a terminal obeys or that reverse the direction of text."""

Json = dict[str, Any]


def json_line(value: Json) -> str:
    """`value` on one line, readable as it stands, with every character that could steer a terminal escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def assessment(evaluation: Evaluation, cards: Sequence[Card]) -> Json:
    """The object of the contract for one patient; `cards` are those that the hook would answer."""
    return {
        "patient": evaluation.patient,
        "asOf": evaluation.as_of.isoformat(),
        "knowledgeVersion": evaluation.knowledge_version,
        "denosumab": _denosumab(evaluation.denosumab),
        "fractures": [_fracture(event) for event in evaluation.fractures],
        "fractureClass": evaluation.fracture_class,
        "conclusions": [
            {
                "rule": conclusion.rule,
                "indicator": conclusion.advice.indicator.value,
                "summary": conclusion.advice.summary,
                "evidence": list(conclusion.evidence),
                "citations": list(conclusion.citations),
            }
            for conclusion in evaluation.conclusions
        ],
        "suppressed": [{"rule": gone.rule, "by": gone.by} for gone in evaluation.suppressed],
        "unusable": [{"reference": item.reference or None, "reason": item.reason} for item in evaluation.unusable],
        "gaps": [{"part": gap.part, "reason": gap.reason, "drugs": gap.drugs} for gap in evaluation.gaps],
        "notes": list(evaluation.notes),
        "cards": [msgspec.to_builtins(card) for card in cards],
    }


def _denosumab(course: DenosumabSummary) -> Json:
    last = course.last_dose
    return {
        "product": course.product,
        "state": course.state,
        "doses": course.dose_count,
        "lastDose": {**_interval(last), "basis": course.basis} if last else None,
        "monthsSinceLastDose": _months(course.months_since),
        "exposureLong": course.exposure_long,
    }


def _fracture(event: FractureSummary) -> Json:
    return {
        "class": event.fracture_class,
        "levels": list(event.levels),
        **_interval(event.event),
        "monthsAfterLastDose": _months(event.months_after_last_dose),
        "evidence": list(event.evidence),
        "despiteBridge": event.despite_bridge or None,
    }


def _interval(interval: DateInterval) -> Json:
    """Both ends; an open start is not a date and is null."""
    earliest = None if interval.open_start else interval.earliest.isoformat()
    return {"earliest": earliest, "latest": interval.latest.isoformat()}


def _months(span: MonthRange | None) -> Json | None:
    return {"min": span.min, "max": span.max} if span else None
