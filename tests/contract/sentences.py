"""What CDS Hooks 2.0.1 demands of an answer and of discovery, one sentence a function, in our own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from tests.contract.calls import empties

Json = dict[str, Any]
Broken = Iterator[str]
"""Where a sentence is broken; nothing when it holds."""

INDICATORS = ("info", "warning", "critical")
ANSWER = {"cards", "systemActions", "extension"}
CARD = {
    *("uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons"),
    *("links", "extension"),
}
SUGGESTION = {"label", "uuid", "isRecommended", "actions", "extension"}
ACTION = {"type", "description", "resource", "resourceId", "extension"}
LINK = {"label", "url", "type", "appContext", "autolaunchable", "extension"}
SOURCE = {"label", "url", "icon", "topic", "extension"}
SERVICE = {"hook", "id", "title", "description", "prefetch", "usageRequirements", "extension"}


def _cards(answer: Json) -> Iterator[tuple[str, Json]]:
    for place, card in enumerate(answer.get("cards") or ()):
        yield f"cards[{place}]", card


def _suggestions(answer: Json) -> Iterator[tuple[str, Json]]:
    for at, card in _cards(answer):
        for place, suggestion in enumerate(card.get("suggestions", ())):
            yield f"{at}.suggestions[{place}]", suggestion


def _actions(answer: Json) -> Iterator[tuple[str, Json]]:
    for at, suggestion in _suggestions(answer):
        for place, action in enumerate(suggestion.get("actions", ())):
            yield f"{at}.actions[{place}]", action


def _links(answer: Json) -> Iterator[tuple[str, Json]]:
    for at, card in _cards(answer):
        for place, link in enumerate(card.get("links", ())):
            yield f"{at}.links[{place}]", link


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_absolute(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).netloc)


def _is_uuid(value: Any) -> bool:
    try:
        return str(UUID(value)) == str(value).lower()
    except (ValueError, AttributeError, TypeError):
        return False


def nothing_is_null_or_empty(message: Json) -> Broken:
    """T-2: no attribute is null, "", [] or {}, except that there are no cards or no services."""
    yield from (at for at in empties(message) if at not in ("cards", "services"))


def no_text_is_blank(message: Json) -> Broken:
    """T-3: no text consists of white space."""
    stack: list[tuple[str, Any]] = [("", message)]
    while stack:
        at, value = stack.pop()
        if isinstance(value, str) and not value.strip():
            yield at
        elif isinstance(value, dict):
            stack += [(f"{at}.{name}", one) for name, one in value.items()]
        elif isinstance(value, list):
            stack += [(f"{at}[{place}]", one) for place, one in enumerate(value)]


def there_is_a_list_of_cards(answer: Json) -> Broken:
    """C: an answer has `cards`, an array; `{}` is none."""
    if not isinstance(answer.get("cards"), list):
        yield "cards"


def no_member_is_unknown(answer: Json) -> Broken:
    """C: nothing is sent that version 2.0.1 does not know, least of all a member of 3.0."""
    yield from sorted(set(answer) - ANSWER)
    for known, found in ((CARD, _cards), (SUGGESTION, _suggestions), (ACTION, _actions), (LINK, _links)):
        yield from (f"{at}.{name}" for at, one in found(answer) for name in sorted(set(one) - known))
    yield from (f"{at}.source.{name}" for at, card in _cards(answer) for name in set(card["source"]) - SOURCE)


def no_system_action_is_sent(answer: Json) -> Broken:
    """C: system actions are only sent where that was agreed; here nowhere."""
    if "systemActions" in answer:
        yield "systemActions"


def every_card_has_a_summary_shorter_than_140_characters(answer: Json) -> Broken:
    """C: `summary` is required and has fewer than 140 characters."""
    yield from (at for at, card in _cards(answer) if not _is_text(card.get("summary")) or len(card["summary"]) >= 140)


def every_card_has_an_indicator(answer: Json) -> Broken:
    """C: `indicator` is info, warning or critical."""
    yield from (at for at, card in _cards(answer) if card.get("indicator") not in INDICATORS)


def every_card_names_its_source(answer: Json) -> Broken:
    """C: `source` has a label; its addresses are absolute; its topic is a code with its system."""
    for at, card in _cards(answer):
        source = card.get("source", {})
        if not _is_text(source.get("label")):
            yield f"{at}.source.label"
        yield from (
            f"{at}.source.{name}" for name in ("url", "icon") if name in source and not _is_absolute(source[name])
        )
        topic = source.get("topic")
        if topic is not None and not (_is_text(topic.get("code")) and _is_text(topic.get("system"))):
            yield f"{at}.source.topic"


def every_card_and_suggestion_can_be_reported_on(answer: Json) -> Broken:
    """C: cards and suggestions have a UUID each, and no two the same, or no feedback could name them."""
    found = [*_cards(answer), *_suggestions(answer)]
    yield from (f"{at}.uuid" for at, one in found if not _is_uuid(one.get("uuid")))
    if len({one.get("uuid") for _, one in found}) != len(found):
        yield "uuid"


def suggestions_say_how_many_may_be_accepted(answer: Json) -> Broken:
    """C: a card with suggestions has a `selectionBehavior`, at-most-one or any; one without has none."""
    for at, card in _cards(answer):
        behaviour = card.get("selectionBehavior")
        if behaviour not in (("at-most-one", "any") if "suggestions" in card else (None,)):
            yield f"{at}.selectionBehavior"


def at_most_one_is_recommended_unless_any_may_be_accepted(answer: Json) -> Broken:
    """C: more than one suggestion is recommended only where `selectionBehavior` is any."""
    for at, card in _cards(answer):
        recommended = [one for one in card.get("suggestions", ()) if one.get("isRecommended")]
        if len(recommended) > 1 and card.get("selectionBehavior") != "any":
            yield f"{at}.suggestions"


def every_suggestion_has_a_label(answer: Json) -> Broken:
    """C: a suggestion has a label, and `isRecommended` is true or false when it is there."""
    for at, one in _suggestions(answer):
        if not _is_text(one.get("label")) or not isinstance(one.get("isRecommended", True), bool):
            yield at


def every_action_says_what_it_does(answer: Json) -> Broken:
    """C: an action has a type and a description."""
    for at, one in _actions(answer):
        if one.get("type") not in ("create", "update", "delete") or not _is_text(one.get("description")):
            yield at


def what_is_created_is_a_resource_and_what_is_deleted_is_named(answer: Json) -> Broken:
    """C: create and update bring a FHIR resource; delete brings `resourceId`, and nothing in `resource`."""
    for at, one in _actions(answer):
        if one.get("type") == "delete":
            if not re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}", one.get("resourceId", "")) or "resource" in one:
                yield f"{at}.resourceId"
        elif not (isinstance(one.get("resource"), dict) and _is_text(one["resource"].get("resourceType"))):
            yield f"{at}.resource"
        elif not _is_text(one["resource"].get("id")) or "resourceId" in one:
            yield f"{at}.resource.id"


def every_link_leads_somewhere(answer: Json) -> Broken:
    """C: a link has label, type and an absolute address; `appContext` comes only with type smart."""
    for at, link in _links(answer):
        if not _is_text(link.get("label")) or link.get("type") not in ("absolute", "smart"):
            yield at
        if not _is_absolute(link.get("url")):
            yield f"{at}.url"
        if "appContext" in link and link.get("type") != "smart":
            yield f"{at}.appContext"


def every_override_reason_can_be_shown(answer: Json) -> Broken:
    """C: an override reason has code, system and display."""
    for at, card in _cards(answer):
        for place, reason in enumerate(card.get("overrideReasons", ())):
            if not all(_is_text(reason.get(name)) for name in ("code", "system", "display")):
                yield f"{at}.overrideReasons[{place}]"


def details_hold_no_html(answer: Json) -> Broken:
    """C-3: the detail is Markdown of paragraphs, bold, lists and links; no tag of HTML is in it."""
    yield from (f"{at}.detail" for at, card in _cards(answer) if re.search(r"<[A-Za-z/!]", card.get("detail", "")))


def extensions_are_objects_under_reverse_domain_names(message: Json) -> Broken:
    """E: an `extension` is an object whose members are named after a domain read backwards."""
    holders = [("", message), *_cards(message), *_suggestions(message), *_actions(message), *_links(message)]
    holders += [(f"services[{place}]", one) for place, one in enumerate(message.get("services", ()))]
    for at, one in holders:
        extension = one.get("extension", {})
        if not isinstance(extension, dict) or not all(re.match(r"[a-z]+\.[a-z]", name) for name in extension):
            yield f"{at}.extension".lstrip(".")


def discovery_lists_services(discovery: Json) -> Broken:
    """D-1: discovery is an object with an array `services`."""
    if not isinstance(discovery.get("services"), list):
        yield "services"


def every_service_has_hook_id_and_description(discovery: Json) -> Broken:
    """D-2: hook, id and description are required; the id is one segment of a path."""
    for place, one in enumerate(discovery["services"]):
        yield from (
            f"services[{place}].{name}" for name in ("hook", "id", "description") if not _is_text(one.get(name))
        )
        if not re.fullmatch(r"[A-Za-z0-9\-._~]+", one.get("id", "")):
            yield f"services[{place}].id"


def no_service_says_more_than_version_2_knows(discovery: Json) -> Broken:
    """D-3, D-6: no address of its own, no `version`, no `hookVersion`."""
    for place, one in enumerate(discovery["services"]):
        yield from (f"services[{place}].{name}" for name in sorted(set(one) - SERVICE))


def no_two_services_share_an_id(discovery: Json) -> Broken:
    """D-4: one id a hook, for a client that keys services by address would lose one of two."""
    ids = [one["id"] for one in discovery["services"]]
    yield from sorted({one for one in ids if ids.count(one) > 1})


def every_prefetch_template_is_a_read_or_a_plain_search(discovery: Json) -> Broken:
    """P-1 to P-5: relative; tokens are `context.` members; no _include, chain, _has, operation or modifier."""
    search = r"[A-Z][A-Za-z]+\?(?:[a-z\-]+|_count|_sort)=[^&]+(?:&(?:[a-z\-]+|_count|_sort)=[^&]+)*"
    for place, one in enumerate(discovery["services"]):
        for key, query in one.get("prefetch", {}).items():
            plain = re.sub(r"\{\{context\.(?:patientId|encounterId|userId)\}\}", "x", query)
            if "{" in plain or not re.fullmatch(rf"[A-Z][A-Za-z]+/x|{search}", plain):
                yield f"services[{place}].prefetch.{key}"


OF_ANY: tuple[Callable[[Json], Broken], ...] = (
    nothing_is_null_or_empty,
    no_text_is_blank,
    extensions_are_objects_under_reverse_domain_names,
)
OF_ANSWERS: tuple[Callable[[Json], Broken], ...] = (
    *OF_ANY,
    there_is_a_list_of_cards,
    no_member_is_unknown,
    no_system_action_is_sent,
    every_card_has_a_summary_shorter_than_140_characters,
    every_card_has_an_indicator,
    every_card_names_its_source,
    every_card_and_suggestion_can_be_reported_on,
    suggestions_say_how_many_may_be_accepted,
    at_most_one_is_recommended_unless_any_may_be_accepted,
    every_suggestion_has_a_label,
    every_action_says_what_it_does,
    what_is_created_is_a_resource_and_what_is_deleted_is_named,
    every_link_leads_somewhere,
    every_override_reason_can_be_shown,
    details_hold_no_html,
)
OF_DISCOVERY: tuple[Callable[[Json], Broken], ...] = (
    *OF_ANY,
    discovery_lists_services,
    every_service_has_hook_id_and_description,
    no_service_says_more_than_version_2_knows,
    no_two_services_share_an_id,
    every_prefetch_template_is_a_read_or_a_plain_search,
)


def broken_in_answer(answer: Json) -> list[str]:
    """Each sentence about answers that does not hold, with the place."""
    return [f"{sentence.__name__}: {at}" for sentence in OF_ANSWERS for at in sentence(answer)]


def broken_in_discovery(discovery: Json) -> list[str]:
    """Each sentence about discovery that does not hold, with the place."""
    return [f"{sentence.__name__}: {at}" for sentence in OF_DISCOVERY for at in sentence(discovery)]
