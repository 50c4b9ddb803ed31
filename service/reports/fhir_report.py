"""An assessment as FHIR R4: a Bundle with one GuidanceResponse for the whole and one for each conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from rules.reasoning.conclusions import Conclusion
from rules.reasoning.dates import DateInterval
from rules.reasoning.evaluation import Evaluation, FractureSummary
from service import words

Json = dict[str, Any]

_NAMES = UUID("5d1c1f2e-6f0b-5c53-9a0e-2f4a3f6b7c10")
"""Namespace of the ids: the same assessment always has the same ids, so that two runs can be compared."""

_REASONS = ("Condition/", "Observation/", "DiagnosticReport/", "DocumentReference/")
"""What GuidanceResponse.reasonReference may name in R4; all evidence stands in the output parameters."""


def assessment(evaluation: Evaluation) -> Json:
    """A collection Bundle: first the assessment itself (also when nothing was concluded), then each conclusion."""
    responses = [_whole(evaluation), *(_concluded(evaluation, conclusion) for conclusion in evaluation.conclusions)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{response['id']}", "resource": response} for response in responses],
    }


def _whole(evaluation: Evaluation) -> Json:
    course = evaluation.denosumab
    outputs = [
        _string("knowledgeVersion", evaluation.knowledge_version),
        _code("denosumabState", course.state),
        _code("denosumabProduct", course.product),
        {"name": "doses", "valueInteger": course.dose_count},
    ]
    if course.last_dose:
        outputs.append({"name": "lastDose", "valuePeriod": _period(course.last_dose)})
    if evaluation.fracture_class:
        outputs.append(_code("fractureClass", evaluation.fracture_class))
    outputs += [_fracture(event) for event in evaluation.fractures]
    outputs += [_string("suppressed", f"{gone.rule} by {gone.by}") for gone in evaluation.suppressed]
    response = _response(evaluation, "assessment", "assessment", outputs)
    if evaluation.notes:
        response["note"] = [{"text": note} for note in evaluation.notes]
    problems = _problems(evaluation)
    if problems:
        response["status"] = "data-requested"
        response["contained"].append({"resourceType": "OperationOutcome", "id": "not-read", "issue": problems})
        response["evaluationMessage"] = [{"reference": "#not-read"}]
    return response


def _concluded(evaluation: Evaluation, conclusion: Conclusion) -> Json:
    advice = conclusion.advice
    outputs = [
        _code("rule", conclusion.rule),
        _code("indicator", advice.indicator.value),
        _string("summary", advice.summary),
        *(_code("citation", source) for source in conclusion.citations),
        *({"name": "evidence", "valueReference": {"reference": reference}} for reference in conclusion.evidence),
    ]
    response = _response(evaluation, f"rules/{conclusion.rule}", f"{conclusion.rule}|{advice.about}", outputs)
    reasons = [{"reference": reference} for reference in conclusion.evidence if reference.startswith(_REASONS)]
    if reasons:
        response["reasonReference"] = reasons
    response["note"] = [{"text": text} for text in (advice.summary, *advice.detail)]
    return response


def _response(evaluation: Evaluation, module: str, name: str, outputs: Sequence[Json]) -> Json:
    key = f"{evaluation.patient}|{evaluation.as_of.isoformat()}|{evaluation.knowledge_version}|{name}"
    return {
        "resourceType": "GuidanceResponse",
        "id": str(uuid5(_NAMES, key)),
        "contained": [{"resourceType": "Parameters", "id": "outputs", "parameter": list(outputs)}],
        "moduleUri": f"urn:reboundwatch:{module.replace('/', ':')}",
        "status": "success",
        "subject": {"reference": evaluation.patient},
        "occurrenceDateTime": evaluation.as_of.isoformat(),
        "outputParameters": {"reference": "#outputs"},
    }


def _fracture(event: FractureSummary) -> Json:
    parts = [
        _code("class", event.fracture_class),
        *(_string("reason", reason) for reason in (event.reason,) if reason),
        *(_string("level", level) for level in event.levels),
        {"name": "event", "valuePeriod": _period(event.event)},
        *({"name": "evidence", "valueReference": {"reference": reference}} for reference in event.evidence),
    ]
    return {"name": "fracture", "part": parts}


def _problems(evaluation: Evaluation) -> list[Json]:
    unread = [
        {"severity": "warning", "code": "not-supported", "diagnostics": words.unusable(item)}
        for item in evaluation.unusable
    ]
    missing = [
        {"severity": "warning", "code": "incomplete", "diagnostics": f"{gap.part}: {gap.reason}"}
        for gap in evaluation.gaps
    ]
    return unread + missing


def _period(interval: DateInterval) -> Json:
    period = {"end": interval.latest.isoformat()}
    return period if interval.open_start else {"start": interval.earliest.isoformat(), **period}


def _code(name: str, value: str) -> Json:
    return {"name": name, "valueCode": value}


def _string(name: str, value: str) -> Json:
    return {"name": name, "valueString": value}
