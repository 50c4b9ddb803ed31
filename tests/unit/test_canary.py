"""A process that would misjudge the best known patients does not begin to serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import canary
from rules.evaluation import Evaluator
from rules.knowledge_base import load_knowledge
from rules.reasoning.engine import Engine
from rules.reasoning.errors import EngineFailed, EnginesDisagree
from rules.reasoning.rule import Program


@pytest.mark.parametrize("verify", [True, False])
def test_the_knowledge_base_as_it_is_knows_both_patients(verify: bool) -> None:
    canary.prove(Evaluator(load_knowledge(), verify=verify))


def test_a_site_whose_limits_hide_the_rebound_is_told_so(tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("since: 2026-01-01\nrebound_window_closes: 8\n", encoding="utf-8")
    with pytest.raises(EngineFailed, match=r"known as PRESUMED_DISCONTINUED and RVFX_PROBABLE was judged"):
        canary.prove(Evaluator(load_knowledge(limits_file=limits)))


@pytest.mark.parametrize("verify", [True, False])
def test_an_engine_that_lost_its_rules_is_found_out(verify: bool) -> None:
    knowledge = load_knowledge()
    evaluator = Evaluator(knowledge, verify=verify)
    program = knowledge.program
    fewer = [rule for rule in program.rules if rule.emits is None or rule.emits.__name__ != "FractureClass"]
    evaluator._reasoner._engine = Engine(Program(fewer, program.limits, program.summaries, program.base_kinds))
    with pytest.raises(EnginesDisagree if verify else EngineFailed, match=r"CLASS|judged"):
        canary.prove(evaluator)
