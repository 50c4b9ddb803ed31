"""What a site has made of the knowledge and of who may call, in words; and what of it cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rules.knowledge_base import Knowledge, load_knowledge
from rules.reasoning.knowledge import Limit
from service import words
from service.deployment import Deployment
from service.settings import Settings


def site_words(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """What is set of each matter, one line or several, and that nothing is."""
    settings, knowledge = deployment.settings, deployment.knowledge
    rules = words.counted(len(knowledge.rules), "rule")
    yield "knowledge", f"{knowledge.version}, labels of {knowledge.jurisdiction}, {rules} in use"
    yield from _listed("switched off", settings.disabled_rules, "no rule")
    yield from _listed("limits", _limits(knowledge), "those of the knowledge")
    yield from _listed("sign-offs", _sign_offs(knowledge), "none")
    yield from _listed("codes", _tables(settings), "those of the knowledge")
    yield from _listed("clients", (one.name for one in deployment.clients.clients), "none registered")


def site_cautions(knowledge: Knowledge, today: date) -> Iterator[str]:
    """What a site has dated wrongly, or has left behind in an earlier version."""
    for since in sorted({limit.since for limit in _of_site(knowledge) if limit.since > today}):
        yield f"LIMITS_FILE: its limits are to hold since {since}, a day that is still to come."
    for rule, signed in knowledge.sign_offs.items():
        if signed.date > today:
            yield f"SIGN_OFFS_FILE: {rule} was signed off on {signed.date}, a day that is still to come."
    if old := [rule for rule, signed in knowledge.sign_offs.items() if signed.version != knowledge.version]:
        yield f"SIGN_OFFS_FILE: {', '.join(old)}: not signed off in knowledge {knowledge.version}, which is in use."


def _listed(name: str, found: Iterator[str] | tuple[str, ...], nothing: str) -> Iterator[tuple[str, str]]:
    lines = list(found) or [nothing]
    yield from ((name if number == 0 else "", line) for number, line in enumerate(lines))


def _of_site(knowledge: Knowledge) -> list[Limit]:
    return [limit for limit in map(knowledge.limits.limit, knowledge.limits) if limit.site]


def _limits(knowledge: Knowledge) -> Iterator[str]:
    if found := _of_site(knowledge):
        usual = load_knowledge().limits
        for limit in found:
            yield f"{limit.name} {limit}, since {limit.since} (otherwise {usual.limit(limit.name)})"


def _sign_offs(knowledge: Knowledge) -> Iterator[str]:
    if knowledge.sign_offs:
        yield knowledge.standing_of_all
    for rule in sorted(knowledge.sign_offs):
        yield f"{rule} {knowledge.standing(rule)}"


def _tables(settings: Settings) -> Iterator[str]:
    if settings.local_codes_dir is not None:
        yield from (path.name for path in sorted(settings.local_codes_dir.glob("*.csv")))
