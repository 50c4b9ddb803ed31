"""Drugs in a case as FHIR R4: injections in each kind of record, statements, orders, drafts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from rules.reasoning.dates import add_months
from tests.storybook.given import DrugTaken, GivenOnce, Injections, Order, Statement
from tests.storybook.vocabulary import UCUM, Json, Untellable, concept, knows, slug

_INTERVAL = re.compile(r"^(\d+) (months?|weeks?|days?)$")
_CLAIMS = "http://terminology.hl7.org/CodeSystem"
_DAYS = {"week": 7, "day": 1}
_ENDED = {"stop": "stopped", "hold": "on-hold", "cancel": "cancelled"}
_RECORDED = {
    "administrations": ("MedicationAdministration", "dose"),
    "injection procedures": ("Procedure", "dose"),
    "dispenses": ("MedicationDispense", "dispense"),
    "claims": ("Claim", "claim"),
    "completed orders": ("MedicationRequest", "order"),
}


def injections(courses: Iterable[Injections]) -> Iterator[Json]:
    """The records of every dose, numbered from the first of each kind."""
    number = dict.fromkeys((kind for kind, _ in _RECORDED.values()), 0)
    for course in courses:
        kind, word = _RECORDED[course.recorded_as]
        if course.named == "by reference":
            yield {"resourceType": "Medication", "id": slug(course.product), "code": concept("drugs", course.product)}
        for day in days(course):
            number[kind] += 1
            yield {"resourceType": kind, "id": f"{word}-{number[kind]}", **_injection(course, kind, day)}


def days(course: Injections) -> list[str]:
    """The days of the doses, first to last."""
    if course.on:
        if course.doses is not None or course.last is not None:
            raise Untellable("doses are told by their days (on), or by number and last day, not by both")
        return list(course.on)
    if course.doses is None or course.last is None:
        raise Untellable("doses need a number and the day of the last, or their days (on)")
    found = _INTERVAL.match(course.every)
    if found is None:
        raise Untellable(f"{course.every!r} is no interval such as '6 months' or '4 weeks'")
    number, unit = int(found[1]), found[2].rstrip("s")
    last = date.fromisoformat(course.last)
    steps = range(course.doses - 1, -1, -1)
    if unit == "month":
        return [add_months(last, -number * step).isoformat() for step in steps]
    return [(last - timedelta(days=number * _DAYS[unit] * step)).isoformat() for step in steps]


def _injection(course: Injections, kind: str, day: str) -> Json:
    status = {"status": course.status or "completed"}
    if kind == "Procedure":
        return {**status, "code": concept("procedures", "denosumab injection"), "performedDateTime": day}
    amount = _amount(course.dose) if course.dose else None
    if kind == "Claim":
        return _claim(course, day)
    members = {**status, **_drug(course)}
    match kind:
        case "MedicationAdministration":
            members["effectiveDateTime"] = day
            if course.order:
                members["request"] = {"reference": f"MedicationRequest/{course.order}"}
            if amount:
                members["dosage"] = {"dose": amount}
        case "MedicationDispense":
            members["whenHandedOver"] = day
            if course.order:
                members["authorizingPrescription"] = [{"reference": f"MedicationRequest/{course.order}"}]
        case _:
            members |= {"intent": "order", "authoredOn": day}
            supply: Json = {}
            if course.valid_until:
                supply["validityPeriod"] = {"start": day, "end": course.valid_until}
            if course.repeats is not None:
                supply["numberOfRepeatsAllowed"] = course.repeats
            if supply:
                members["dispenseRequest"] = supply
    if amount and kind != "MedicationAdministration":
        dosages = "dosageInstruction"
        members[dosages] = [{"doseAndRate": [{"doseQuantity": amount}]}]
    return members


def _claim(course: Injections, day: str) -> Json:
    """A professional claim of one injection, with what FHIR demands of every claim."""
    item: Json = {
        "sequence": 1,
        "productOrService": concept("procedures", "denosumab injection"),
        "servicedDate": day,
    }
    if course.dose:
        item["quantity"] = {"value": float(course.dose.partition(" ")[0])}
    return {
        "status": course.status or "active",
        "type": {"coding": [{"system": f"{_CLAIMS}/claim-type", "code": "professional"}]},
        "use": "claim",
        "created": day,
        "provider": {"display": "a practice"},
        "priority": {"coding": [{"system": f"{_CLAIMS}/processpriority", "code": "normal"}]},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "an insurance"}}],
        "item": [item],
    }


def _drug(course: Injections) -> Json:
    match course.named:
        case "by code":
            return {"medicationCodeableConcept": concept("drugs", course.product)}
        case "in words only":
            concept("drugs", course.product)
            return {"medicationCodeableConcept": {"text": course.product}}
        case "by reference":
            return {"medicationReference": {"reference": f"Medication/{slug(course.product)}"}}
        case _:
            contained = {"resourceType": "Medication", "id": "drug", "code": concept("drugs", course.product)}
            return {"contained": [contained], "medicationReference": {"reference": "#drug"}}


def _amount(words: str) -> Json:
    value, _, unit = words.partition(" ")
    return {"value": float(value), "unit": unit, "system": UCUM, "code": unit}


def statements(told: Iterable[Statement]) -> Iterator[Json]:
    """Statements of denosumab."""
    for one in told:
        period = {key: day for key, day in (("start", one.from_), ("end", one.to)) if day}
        yield {
            "resourceType": "MedicationStatement",
            "id": "denosumab-statement",
            "status": one.status,
            "medicationCodeableConcept": concept("drugs", one.product),
            **({"effectivePeriod": period} if period else {}),
            **({"effectiveDateTime": one.on} if one.on else {}),
            **({"dateAsserted": one.asserted} if one.asserted else {}),
            **({"statusReason": [{"text": one.because}]} if one.because else {}),
            **({"dosage": [{"text": one.dosage}]} if one.dosage else {}),
        }


def drugs_taken(told: Iterable[DrugTaken]) -> Iterator[Json]:
    """Other drugs, in the kind of record that the case names."""
    for one in told:
        drug = {"id": slug(one.drug), "status": one.status, "medicationCodeableConcept": concept("drugs", one.drug)}
        period = {key: day for key, day in (("start", one.from_), ("end", one.to)) if day}
        match one.recorded_as:
            case "a statement":
                yield {"resourceType": "MedicationStatement", **drug, **({"effectivePeriod": period} if period else {})}
            case "a dispense":
                yield {"resourceType": "MedicationDispense", **drug, "whenHandedOver": one.from_}
            case _:
                written = {"authoredOn": one.from_} if one.from_ else {}
                yield {"resourceType": "MedicationRequest", **drug, "intent": "order", **written}


def given_once(told: Iterable[GivenOnce]) -> Iterator[Json]:
    """Infusions, injections of other drugs, procedures."""
    for one in told:
        what = {"id": slug(one.what), "status": one.status}
        if one.recorded_as == "a procedure":
            code = _procedure(one.what)
            yield {"resourceType": "Procedure", **what, "code": code, "performedDateTime": one.on}
        else:
            drug = {"medicationCodeableConcept": concept("drugs", one.what), "effectiveDateTime": one.on}
            amount = {"dosage": {"dose": _amount(one.dose)}} if one.dose else {}
            yield {"resourceType": "MedicationAdministration", **what, **drug, **amount}


def orders(told: Iterable[Order]) -> Iterator[Json]:
    """Orders on record, of drugs and of services."""
    for one in told:
        order: Json = {"id": one.named or slug(f"order {one.of}"), "status": one.status, "intent": one.intent}
        if one.written:
            order["authoredOn"] = one.written
        if one.do_not_perform:
            order["doNotPerform"] = True
        if not knows("drugs", one.of):
            planned = {"occurrenceDateTime": one.planned} if one.planned else {}
            yield {"resourceType": "ServiceRequest", **order, "code": _procedure(one.of), **planned}
            continue
        order["medicationCodeableConcept"] = concept("drugs", one.of)
        if one.planned:
            order["dosageInstruction"] = [{"timing": {"event": [one.planned]}}]
        yield {"resourceType": "MedicationRequest", **order}


def draft(words: str, written: str) -> Json:
    """One order being written: a new one, or one that is ended or suspended ("stop ...", "hold ...")."""
    first, _, rest = words.partition(" ")
    of = rest if first in _ENDED else words
    status = _ENDED.get(first, "draft")
    if status == "stopped" and not knows("drugs", of):
        status = "revoked"
    told = Order(of=of, status=status, written=written, named=slug(f"draft {of}"))
    return next(iter(orders([told])))


def _procedure(words: str) -> Json:
    """A procedure, with the levels it is for: "kyphoplasty of L1"."""
    name = words.partition(" of ")[0]
    return concept("procedures", name if knows("procedures", name) else words, words)
