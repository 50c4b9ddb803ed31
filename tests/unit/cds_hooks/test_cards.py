"""One decision is one card: the strongest conclusion speaks, the others are its detail and its actions."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from rules.reasoning.conclusions import Advice, Conclusion, Indicator, Propose, Suggestion, Withdraw
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Gap, Unusable
from service.cds_hooks.cards import CardMaker, shortened
from tests.unit.fhir.records import fracture
from tests.unit.test_rules import KNOWLEDGE, SEVEN, doses, evaluate

REBOUND = evaluate(*doses(*SEVEN), fracture("2025-11-20"))


def maker(**options: Any) -> CardMaker:
    numbers = itertools.count(1)
    return CardMaker(KNOWLEDGE, new_id=lambda: f"id-{next(numbers)}", **options)


def conclusion(rule: str, indicator: str, *, decision: str = "d", about: str = "", **advice: Any) -> Conclusion:
    spoken = Advice(indicator=Indicator(indicator), summary=f"{rule} speaks.", about=about, **advice)
    return Conclusion(rule=rule, advice=spoken, decision=decision, evidence=("Condition/f",), citations=("S01",))


def saying(*conclusions: Conclusion) -> Evaluation:
    return replace(REBOUND, conclusions=tuple(sorted(conclusions, key=lambda one: one.rank)))


def test_a_rebound_fracture_gives_a_card_for_the_work_up_one_for_the_drug_and_one_for_care() -> None:
    first, second, care = maker().cards(REBOUND)
    assert [card.indicator for card in (first, second, care)] == ["critical", "critical", "info"]
    assert first.summary.startswith("Probable rebound vertebral fracture(s): 1 new, 10 months")
    assert second.extension is not None
    assert second.extension["org.reboundwatch"]["rules"] == ["RVFX-26", "RVFX-12"]
    assert second.detail is not None
    assert "**Denosumab lapsed: 13 months since last dose" in second.detail


def test_a_card_says_which_dose_it_used_how_sure_the_months_the_class_and_the_limit() -> None:
    detail = maker().cards(REBOUND)[0].detail or ""
    dose, since = "2025-01-10, recorded as given", "13 months since the last dose, in whole months"
    said = (dose, since, "RVFX_PROBABLE", "7 to 24 months after the last dose")
    assert all(words in detail for words in said)


def test_a_card_links_to_its_sources_and_offers_reasons_to_set_it_aside() -> None:
    card = maker().cards(REBOUND)[0]
    assert "https://doi.org/10.3390/jcm12185874" in [link.url for link in card.links or []]
    assert all(reason.display for reason in card.overrideReasons or [])
    assert card.overrideReasons


def test_markdown_holds_paragraphs_bold_and_lists_only() -> None:
    for card in maker().cards(REBOUND):
        assert not re.search(r"<[a-z/]|^#|\|\s*-|`|!\[", card.detail or "", re.MULTILINE)


def test_nothing_empty_goes_over_the_wire() -> None:
    def empty(value: object) -> bool:
        if isinstance(value, dict):
            return not value or any(empty(one) for one in value.values())
        if isinstance(value, list):
            return not value or any(empty(one) for one in value)
        return value in (None, "")

    sent = msgspec.json.decode(msgspec.json.encode(maker().cards(REBOUND)))
    assert sent
    assert not empty(sent)


def test_the_most_urgent_decision_comes_first_and_the_rest_is_cut_but_never_a_block() -> None:
    found = maker(max_cards=2).cards(
        saying(
            conclusion("RVFX-08", "info", decision="a"),
            conclusion("RVFX-12", "warning", decision="b"),
            conclusion("RVFX-01", "critical", decision="c"),
            conclusion("RVFX-27", "critical", decision="d", about="MedicationRequest/1"),
            conclusion("RVFX-32", "critical", decision="e", about="MedicationRequest/2"),
            conclusion("RVFX-39", "critical", decision="e", about="MedicationRequest/3"),
            conclusion("RVFX-05", "critical", decision="f", emergency=True),
        )
    )
    emergency, *blocks = [card.summary for card in found]
    assert emergency == "RVFX-05 speaks."
    assert blocks == ["RVFX-27 speaks.", "RVFX-32 speaks.", "RVFX-39 speaks."]


def test_of_two_critical_cards_the_one_of_lower_precedence_leads() -> None:
    lapsed = replace(conclusion("RVFX-12", "critical", decision="a"), precedence=2)
    fractured = replace(conclusion("RVFX-26", "critical", decision="b"), precedence=1)
    assert [card.summary for card in maker().cards(saying(lapsed, fractured))] == ["RVFX-26 speaks.", "RVFX-12 speaks."]


def test_cards_about_two_orders_are_two_cards() -> None:
    found = maker().cards(
        saying(
            conclusion("RVFX-12", "warning", decision="order", about="MedicationRequest/1"),
            conclusion("RVFX-12", "warning", decision="order", about="MedicationRequest/2"),
        )
    )
    assert len(found) == 2


@pytest.mark.parametrize(("choice", "behaviour"), [(True, "at-most-one"), (False, "any")])
def test_a_choice_of_drugs_allows_at_most_one(choice: bool, behaviour: str) -> None:
    offers = (
        Suggestion("Zoledronate", (Propose("zoledronate-5mg"),), recommended=True),
        Suggestion("Denosumab", (Propose("denosumab-60mg"),), recommended=True),
    )
    [card] = maker().cards(saying(conclusion("RVFX-26", "critical", suggestions=offers, choice=choice)))
    assert card.selectionBehavior == behaviour
    assert [one.isRecommended for one in card.suggestions or []] == [True, None if choice else True]


def test_withdrawing_a_draft_is_a_delete_of_its_reference() -> None:
    offer = Suggestion("Withdraw", (Withdraw("ServiceRequest/1", "Delete the draft"),))
    [card] = maker().cards(saying(conclusion("RVFX-26", "critical", suggestions=(offer,))))
    assert card.suggestions is not None
    assert card.suggestions[0].actions is not None
    [action] = card.suggestions[0].actions
    assert (action.type, action.resourceId, action.resource) == ("delete", "ServiceRequest/1", None)


def test_what_could_not_be_read_is_said_on_the_card() -> None:
    incomplete = replace(
        REBOUND,
        gaps=(Gap("administrations", "the query failed"),),
        unusable=(Unusable("Observation/4", "unknown unit"),),
    )
    detail = maker().cards(incomplete)[0].detail or ""
    assert "administrations (the query failed)" in detail
    assert "Observation/4" in detail


@pytest.mark.parametrize(("length", "cut"), [(139, False), (140, True), (400, True)])
def test_a_summary_is_shorter_than_140_characters(length: int, cut: bool) -> None:
    given = ("word " * 100)[:length].strip().ljust(length, "x")
    assert len(shortened(given)) < 140
    assert shortened(given).endswith("…") is cut


def test_a_draft_without_an_id_is_not_offered_for_deletion() -> None:
    gone = Suggestion("Delete the draft", (Withdraw("MedicationRequest/?", "Delete the draft"),))
    named = Suggestion("Delete the other", (Withdraw("MedicationRequest/d", "Delete the other"),))
    [card] = maker().cards(saying(conclusion("RVFX-27", "critical", suggestions=(gone, named))))
    assert [one.label for one in card.suggestions or []] == ["Delete the other"]
    [card] = maker().cards(saying(conclusion("RVFX-27", "critical", suggestions=(gone,))))
    assert (card.suggestions, card.selectionBehavior) == (None, None)


def test_an_id_that_holds_markup_is_not_shown() -> None:
    odd = Unusable("Condition/<img src=x>", "says no day", "onset", "prefetch.conditions")
    [card] = maker().cards(replace(saying(conclusion("RVFX-27", "critical")), unusable=(odd,)))
    assert "1 item(s), such as Condition (of an id that is none)." in (card.detail or "")
    assert "<" not in (card.detail or "")


def test_what_one_card_proposes_the_next_one_does_not() -> None:
    work_up = Suggestion("Order the work-up", (Propose("lab-ctx"), Propose("lab-calcium")))
    again = Suggestion("Order CTX", (Propose("lab-ctx"),))
    more = Suggestion("Order CTX and an image", (Propose("lab-ctx"), Propose("mri-spine")))
    first, second = maker().cards(
        saying(
            conclusion("RVFX-01", "critical", decision="a", suggestions=(work_up,)),
            conclusion("RVFX-12", "warning", decision="b", suggestions=(again, more)),
        )
    )
    assert [one.label for one in first.suggestions or ()] == ["Order the work-up"]
    assert [one.label for one in second.suggestions or ()] == ["Order CTX and an image"]


def test_a_card_proposes_a_drug_once_though_two_rules_plan_it() -> None:
    plan = Suggestion("Zoledronate, with CTX", (Propose("zoledronate-5mg"), Propose("lab-ctx")))
    later = Suggestion("Zoledronate on a day", (Propose("zoledronate-5mg"), Propose("dxa")))
    [card] = maker().cards(
        saying(
            conclusion("RVFX-13", "critical", about="MedicationRequest/1", suggestions=(plan,)),
            conclusion("RVFX-15", "warning", about="MedicationRequest/1", suggestions=(later,)),
        )
    )
    assert [one.label for one in card.suggestions or ()] == ["Zoledronate, with CTX"]
