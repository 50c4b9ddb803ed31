"""HL7's invariants of CDS Hooks messages, one function each; true when the element keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def server_with_authorization(request: Json) -> bool:
    """cds-r-1: who gives an authorization names the FHIR server that it is for."""
    return "fhirAuthorization" not in request or "fhirServer" in request


def patient_with_patient_scopes(authorization: Json) -> bool:
    """cds-r-2: scopes of one patient come with the id of that patient (HL7 tests for "Patient/", with a capital)."""
    return "Patient/" not in authorization.get("scope", "") or "patient" in authorization


def selection_is_type_and_id(selection: str) -> bool:
    """ord-1: a selection is written as {type}/{id}."""
    return re.fullmatch(r"[\w]+/[\w\-.]+", selection) is not None


def one_recommended_at_most(card: Json) -> bool:
    """cds-resp-1: where at most one suggestion may be taken, at most one is recommended."""
    recommended = [one for one in card.get("suggestions", []) if one.get("isRecommended") is True]
    return card.get("selectionBehavior") != "at-most-one" or len(recommended) <= 1


def deletion_names_its_resource(action: Json) -> bool:
    """cds-resp-2: a deletion has `resourceId` and no `resource`."""
    return action.get("type") != "delete" or ("resourceId" in action and "resource" not in action)


def context_for_smart_apps_only(link: Json) -> bool:
    """cds-resp-3: `appContext` belongs to links of type smart."""
    return link.get("type") == "smart" or "appContext" not in link


def reason_can_be_shown(reason: Json) -> bool:
    """cds-resp-4: an override reason has a display."""
    return "display" in reason


def actions_are_described(suggestion: Json) -> bool:
    """cds-resp-5: every action of a suggestion has a description."""
    return all("description" in one for one in suggestion.get("actions", []))


def behaviour_with_suggestions(card: Json) -> bool:
    """cds-resp-6: a card with suggestions says how many of them may be taken."""
    return "suggestions" not in card or "selectionBehavior" in card


def known_behaviour_of_actions(suggestion: Json) -> bool:
    """cds-resp-7 (3.0): `actionSelectionBehavior` is all, any or at-most-one."""
    return suggestion.get("actionSelectionBehavior", "all") in ("all", "any", "at-most-one")


def known_outcome(feedback: Json) -> bool:
    """cds-fb-1: what became of a card is accepted or overridden."""
    return feedback.get("outcome") in ("accepted", "overridden")


def accepted_names_suggestions(feedback: Json) -> bool:
    """cds-fb-2: an accepted card says which suggestions were accepted."""
    return feedback.get("outcome") != "accepted" or bool(feedback.get("acceptedSuggestions"))


def override_says_something(reason: Json) -> bool:
    """cds-fb-3: an override reason holds a reason, a comment, or both."""
    return "reason" in reason or "userComment" in reason


INVARIANTS: dict[str, Callable[[Any], bool]] = {
    "cds-r-1": server_with_authorization,
    "cds-r-2": patient_with_patient_scopes,
    "ord-1": selection_is_type_and_id,
    "cds-resp-1": one_recommended_at_most,
    "cds-resp-2": deletion_names_its_resource,
    "cds-resp-3": context_for_smart_apps_only,
    "cds-resp-4": reason_can_be_shown,
    "cds-resp-5": actions_are_described,
    "cds-resp-6": behaviour_with_suggestions,
    "cds-resp-7": known_behaviour_of_actions,
    "cds-fb-1": known_outcome,
    "cds-fb-2": accepted_names_suggestions,
    "cds-fb-3": override_says_something,
}
"""By HL7's key. Those of feedback and cds-resp-7 belong to models that are newer than the ones of the test data."""


def broken_in_feedback(feedback: Json) -> list[str]:
    """The keys of the invariants that one entry of feedback breaks; there is no model of it in the test data."""
    broken = [key for key in ("cds-fb-1", "cds-fb-2") if not INVARIANTS[key](feedback)]
    reason = feedback.get("overrideReason")
    return broken + (["cds-fb-3"] if reason is not None and not override_says_something(reason) else [])
