"""Which terminology concepts are one drug to the rules, and which drugs belong together."""

from __future__ import annotations

from functools import lru_cache

DENOSUMAB = "denosumab"
ALENDRONATE = "alendronate"
ZOLEDRONATE = "zoledronate"

CONCEPTS: dict[str, frozenset[str]] = {
    DENOSUMAB: frozenset({"denosumab", "denosumab-60mg", "denosumab-120mg"}),
    ZOLEDRONATE: frozenset({"zoledronate", "zoledronate-5mg", "zoledronate-4mg"}),
    "alendronate": frozenset({"alendronate"}),
    "risedronate": frozenset({"risedronate"}),
    "ibandronate": frozenset({"ibandronate"}),
    "pamidronate": frozenset({"pamidronate"}),
    "other bisphosphonate": frozenset({"other-bisphosphonate"}),
    "teriparatide": frozenset({"teriparatide"}),
    "abaloparatide": frozenset({"abaloparatide"}),
    "romosozumab": frozenset({"romosozumab"}),
    "raloxifene": frozenset({"raloxifene"}),
    "bazedoxifene": frozenset({"bazedoxifene"}),
    "calcitonin": frozenset({"calcitonin"}),
    "estrogen": frozenset({"estrogen"}),
}

ORAL_BISPHOSPHONATES = frozenset({"alendronate", "risedronate", "ibandronate"})
BISPHOSPHONATES = ORAL_BISPHOSPHONATES | {ZOLEDRONATE, "pamidronate", "other bisphosphonate"}
POTENT_ANTIRESORPTIVES = frozenset({DENOSUMAB, ZOLEDRONATE})

DRUGS: frozenset[str] = frozenset().union(*CONCEPTS.values()) | {
    *("aromatase-inhibitor", "androgen-deprivation", "systemic-glucocorticoid", "opioid", "nsaid", "benzodiazepine"),
    *("calcium-supplement", "vitamin-d", "vitamin-d-active", "strontium-ranelate", "ibandronate-oncology"),
    "palopegteriparatide",
}
"""Concepts of drugs: read from records of drugs, orders and procedures only, never from the words of a diagnosis."""

AUGMENTATION = "vertebral-augmentation"


@lru_cache(maxsize=4096)
def drug_of(concepts: frozenset[str]) -> str:
    """The one bone drug that a record's concepts name, or "" when they name none."""
    for drug, names in CONCEPTS.items():
        if not concepts.isdisjoint(names):
            return drug
    return ""


def is_denosumab(concepts: frozenset[str]) -> bool:
    """Whether a record is about denosumab of any strength."""
    return not concepts.isdisjoint(CONCEPTS[DENOSUMAB])
