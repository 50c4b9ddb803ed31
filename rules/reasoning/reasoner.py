"""One inference: phases, matches from the engine, the second opinion, and what the rules conclude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rules.reasoning.conclusions import Advice
from rules.reasoning.engine import Engine, Session
from rules.reasoning.errors import EngineFailed, EnginesDisagree, RuleFailed
from rules.reasoning.fact import Fact
from rules.reasoning.oracle import Match, Silence, matches, why_silent
from rules.reasoning.rule import Phase, Program, Rule

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that applied: the facts by alias, and what it found or advised."""

    rule: str
    facts: Mapping[str, Fact]
    outcome: Advice | tuple[Fact, ...]

    @property
    def evidence(self) -> tuple[str, ...]:
        """The FHIR references of all its facts."""
        return tuple(sorted({reference for fact in self.facts.values() for reference in fact.evidence}))


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that was known at the end, and every rule that applied, in order."""

    facts: tuple[Fact, ...]
    firings: tuple[Firing, ...]

    def all(self, kind: type[F]) -> list[F]:
        """The facts of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Reasoner:
    """Runs a program over facts; with `verify`, durable_rules and the second opinion must agree or it fails loudly."""

    def __init__(self, program: Program, *, verify: bool = True) -> None:
        self.program = program
        self.verify = verify
        self._kinds = frozenset(program.kinds())
        self._engine = Engine(program)

    def run(self, facts: Sequence[Fact]) -> Trace:
        """All that follows from the facts.

        Raises:
            RuleFailed: a rule raised; the evaluation is void.
            EnginesDisagree: the two engines drew different conclusions.
            EngineFailed: the engine did not take a fact or did not stop.
        """
        known = list(facts)
        firings: list[Firing] = []
        with self._engine.session() as session:
            session.add(_of(self._kinds, known))
            seen = len(known)
            for phase in Phase:
                found = [self._apply(match, known) for match in self._matches(session, phase, known)]
                firings += found
                for firing in found:
                    if isinstance(firing.outcome, tuple):
                        known += firing.outcome
                if phase in self.program.summaries:
                    known += self._summary(phase, known)
                session.add(_of(self._kinds, known[seen:]))
                seen = len(known)
        return Trace(tuple(known), tuple(firings))

    def why_silent(self, trace: Trace, rule_id: str) -> Silence:
        """The nearest miss of a rule that did not fire."""
        return why_silent(self.program, self.program.by_id(rule_id), trace.facts)

    def _matches(self, session: Session, phase: Phase, known: Sequence[Fact]) -> list[Match]:
        found = session.match(phase)
        if self.verify:
            expected = matches(self.program, phase, known)
            if found != expected:
                rules = sorted({match.rule for match in found ^ expected})
                raise EnginesDisagree(f"the two engines disagree on {', '.join(rules)}")
        return sorted(found, key=lambda match: (self.program.place[match.rule], match.facts))

    def _summary(self, phase: Phase, known: Sequence[Fact]) -> Sequence[Fact]:
        summary = self.program.summaries[phase]
        found = summary.draw(tuple(known), self.program.limits)
        return _of(frozenset(summary.emits), found, f"the summary of {phase.name} does not say that it finds")

    def _apply(self, match: Match, known: Sequence[Fact]) -> Firing:
        rule = self.program.by_id(match.rule)
        bound = {pattern.alias: known[position] for pattern, position in zip(rule.when, match.facts, strict=True)}
        try:
            outcome = rule.apply(bound, self.program.limits)
        except Exception as error:
            raise RuleFailed(rule.id, f"{type(error).__name__} while it was applied") from error
        return Firing(rule.id, bound, _settled(rule, outcome))


def _settled(rule: Rule, outcome: object) -> Advice | tuple[Fact, ...]:
    if rule.phase is Phase.ADVISE:
        if not isinstance(outcome, Advice):
            raise RuleFailed(rule.id, "gave no advice")
        return outcome
    found = () if outcome is None else (outcome,) if isinstance(outcome, Fact) else outcome
    if not isinstance(found, tuple | list) or any(type(fact) is not rule.emits for fact in found):
        raise RuleFailed(rule.id, "found another kind of fact than it says")
    return tuple(found)


def _of(
    kinds: frozenset[type[Fact]], facts: Sequence[Fact], complaint: str = "the program does not know"
) -> Sequence[Fact]:
    unknown = {type(fact).__name__ for fact in facts if type(fact) not in kinds}
    if unknown:
        raise EngineFailed(f"{complaint} {', '.join(sorted(unknown))}")
    return facts
