"""Every error of the clinical core, by name: one base class, one subclass for each thing that can go wrong."""

from __future__ import annotations


class ClinicalCoreError(Exception):
    """Base of all errors raised under `rules`."""


class KnowledgeError(ClinicalCoreError):
    """The knowledge itself (a rule, a limit, a citation, a code) is malformed: raised on loading, never in a call."""


class RuleFailed(ClinicalCoreError):
    """A rule raised while it was being applied. The evaluation is void: a rule that fails is never silence."""

    def __init__(self, rule_id: str, reason: str) -> None:
        super().__init__(f"rule {rule_id} failed: {reason}")
        self.rule_id = rule_id


class EngineFailed(ClinicalCoreError):
    """The rule engine rejected a fact, lost one, fired beyond its cap or failed its canary."""


class EnginesDisagree(ClinicalCoreError):
    """durable_rules and the plain-Python second opinion drew different conclusions from the same facts."""
