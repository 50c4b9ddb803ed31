"""High calcium in the months after denosumab: think of the rebound as well."""

from __future__ import annotations

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each
from rules.reasoning.facts.oncology import HighCalcium
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import laboratory

high = HighCalcium.named("high")

TESTS = laboratory(
    "Order PTH, creatinine, protein electrophoresis and 25-hydroxyvitamin D", "pth", "creatinine", "spep", "25ohd"
)


@rule("RVFX-40", phase=Phase.ADVISE, when=[each(high)])
def rebound_hypercalcaemia(high: HighCalcium) -> Advice:
    """High calcium two to fourteen months after any denosumab may be a rebound."""
    return Advice(
        indicator=Indicator.CRITICAL if high.severe else Indicator.WARNING,
        summary=f"High calcium {high.months} months after last denosumab: consider rebound hypercalcaemia as well as "
        "malignancy and PTH disease.",
        detail=(
            f"{high.said[:1].upper()}{high.said[1:]}.",
            "Check PTH, creatinine and protein electrophoresis; hydrate; an intravenous bisphosphonate or denosumab "
            "has been used. Typical in the young and after high doses, but adults with osteoporosis and fractures are "
            "reported. No calcium or vitamin D while calcium is high.",
        ),
        suggestions=(TESTS,),
    )
