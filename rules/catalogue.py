"""The rules beside their sources, for people: as data, as Markdown (CATALOGUE.md) and for the command line."""

from __future__ import annotations

from collections.abc import Iterator

from rules.knowledge_base import Knowledge, RuleEntry
from rules.two_arms import read_two_arms

CERTAINTY = {
    "V1": "read in the primary text",
    "V2": "read in a secondary text",
    "R-h": "recalled, high confidence",
    "R-m": "recalled, medium confidence",
    "R-l": "recalled, low confidence",
    "P": "proposed by us",
}


def as_data(knowledge: Knowledge) -> list[dict[str, object]]:
    """Every rule as plain values, ordered by id."""
    return [
        {
            "id": entry.id,
            "title": entry.title,
            "topic": entry.topic,
            "sentence": entry.sentence,
            "indicator": entry.indicator,
            "otherwise": dict(entry.otherwise),
            "hooks": list(entry.hooks),
            "strength": entry.evidence_level,
            "citations": [
                {
                    "source": one.source,
                    "says": one.says,
                    "certainty": one.certainty,
                    "link": _link(knowledge, one.source),
                }
                for one in entry.citations
            ],
            "yieldsTo": list(entry.yields_to),
            "notAssessed": list(entry.not_assessed),
            "overrideReasons": [
                {"code": code, "display": words, "days": knowledge.set_aside.times[code].days}
                for code, words in entry.override_reasons
            ],
            "reviewed": entry.reviewed.isoformat(),
            "signedOff": knowledge.signed_off(entry.id),
        }
        for entry in knowledge.rules
    ]


def as_markdown(knowledge: Knowledge) -> str:
    """The whole catalogue as one page: rules, limits, and everything that is only recalled or proposed."""
    return "\n".join(_page(knowledge)) + "\n"


def _page(knowledge: Knowledge) -> Iterator[str]:
    yield "# Catalogue of the rules"
    yield ""
    yield f"Knowledge {knowledge.version}, made by `make catalogue`. {_capital(knowledge.standing_of_all)}."
    yield from _two_arms()
    for entry in knowledge.rules:
        yield from _rule(knowledge, entry)
    yield ""
    yield "## Limits"
    yield ""
    yield "| limit | value | what it says | sources | certainty | since |"
    yield "|---|---|---|---|---|---|"
    limits = [knowledge.limits.limit(name) for name in sorted(knowledge.limits)]
    for limit in limits:
        sources = ", ".join(limit.source) or "none"
        yield f"| `{limit.name}` | {limit} | {limit.says} | {sources} | {limit.certainty} | {limit.since} |"
    yield ""
    yield "## To be signed off: what is only recalled or proposed"
    yield ""
    for limit in limits:
        if limit.certainty not in ("V1", "V2"):
            yield f"- limit `{limit.name}` = {limit}: {CERTAINTY[limit.certainty]}. {limit.says}"
    for entry in knowledge.rules:
        for one in entry.citations:
            if one.certainty not in ("V1", "V2"):
                yield f"- {entry.id}, {one.source}: {CERTAINTY[one.certainty]}. {one.says}"
    yield from _recalled_codes(knowledge)
    yield ""
    yield "## Sources"
    yield ""
    for source in knowledge.sources.values():
        yield f"- **{source.id}** {source.title} ({source.certainty})" + (f" <{source.link}>" if source.link else "")


def _two_arms() -> Iterator[str]:
    yield ""
    yield "## The two arms side by side"
    yield ""
    yield "| topic | rebound fracture | ordinary osteoporotic fracture | relation | certainty | rules, sources |"
    yield "|---|---|---|---|---|---|"
    for row in read_two_arms():
        relation = f"**{row.relation}**" if row.relation == "opposite" else row.relation
        named = ", ".join((*row.rules, *row.sources))
        yield f"| {row.topic} | {row.rebound} | {row.ordinary} | {relation} | {row.certainty} | {named} |"


def _recalled_codes(knowledge: Knowledge) -> Iterator[str]:
    """Codes that were only recalled; phrases in words are ours, and read as such in their tables."""
    for row in knowledge.terminology.rows():
        if row.grade.startswith("recalled") and row.system != "text":
            known = row.grade.replace("-", ", ")
            yield f"- code {row.system} {row.code} ({row.concept}): {known} confidence. {row.display}"


def _rule(knowledge: Knowledge, entry: RuleEntry) -> Iterator[str]:
    yield ""
    yield f"## {entry.id}: {entry.title}"
    yield ""
    yield entry.sentence
    yield ""
    standing = knowledge.standing(entry.id)
    yield f"- {urgency(entry)}"
    yield f"- evidence {entry.evidence_level}, reviewed {entry.reviewed}, {standing}"
    yield f"- hooks: {', '.join(entry.hooks)}"
    if entry.yields_to:
        yield f"- silent beside: {', '.join(entry.yields_to)}"
    for one in entry.citations:
        yield f"- {one.source} [{one.certainty}]: {one.says}"
    if entry.not_assessed:
        yield f"- not assessed, for no record can carry it: {'; '.join(entry.not_assessed)}"
    if entry.override_reasons:
        times = knowledge.set_aside.times
        reasons = (f"{words.lower()} ({times[code].days} days)" for code, words in entry.override_reasons)
        yield f"- may be set aside: {', '.join(reasons)}"


def urgency(entry: RuleEntry) -> str:
    """How urgent a rule is, and when it is otherwise."""
    return "; ".join((f"**{entry.indicator}**", *(f"**{word}** {when}" for word, when in entry.otherwise)))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _link(knowledge: Knowledge, source: str) -> str:
    return knowledge.sources[source].link
