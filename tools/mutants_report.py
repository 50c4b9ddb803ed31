"""What a run over the mutants found: a table by module, what nobody explained, and the page docs/mutation.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date

SURVIVED, LOADING, CASES, GOLDENS, UNIT_TESTS, TIME, CRASH = (
    *("survived", "killed at load", "killed by a case", "killed by an accepted assessment", "killed by a unit test"),
    *("killed by time", "killed by a crash"),
)
_COLUMNS = ("mutants", LOADING, CASES, GOLDENS, UNIT_TESTS, "other", SURVIVED)
_HEAD = """\
# Mutation testing of the rules

Written by this command, which takes some minutes on two idle cores:

```sh
.venv/bin/python -m tools.mutants --page
```

Each rule is changed a little, one change at a time, and the cases, the accepted assessments and the quick unit tests
are asked whether they notice. What nothing notices is a survivor: a limit, condition or word that no test holds.

**What is changed** ([tools/rule_changes.py](../tools/rule_changes.py)): a condition of a rule is dropped or turned
round; a comparison takes or loses its end (`<` and `<=`), or is turned round; a number grows by one; a plus becomes a
minus; an element of a list, a laboratory test of an order or an optional part of the advice (detail, suggestions,
choice, day, urgency) is dropped; the branches of a choice change places; critical becomes warning, warning becomes
info, info becomes warning; a caution weighs less; zoledronate and denosumab change places. The words of the advice are
not changed: they are read in `tests/golden/advice.md`. Nor is anything outside the topics of the rules: the facts, the
engine and the service have tests of their own.

**What kills** ([tools/mutants.py](../tools/mutants.py)): the first of these that objects. *At load*: the knowledge is
not accepted, for a rule reads a fact that it does not ask for. *A case*: one of `tests/cases`, in a clinician's words.
*An accepted assessment*: a file of `tests/golden`. *A unit test*. *Other*: it ran too long, or the process died.
"""


def table(found: Mapping[str, str]) -> list[str]:
    """The lines of a table in Markdown: a row for each module, one for all; `found` is each mutant with its verdict."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, verdict in found.items():
        for row in (name.split("::")[0], "all"):
            counts[row][verdict] += 1
    lines = [f"| module | {' | '.join(_COLUMNS)} |", "|---|" + "---:|" * len(_COLUMNS)]
    for row, count in sorted(counts.items(), key=lambda one: (one[0] == "all", one[0])):
        numbers = [count.total(), *(count[one] for one in (LOADING, CASES, GOLDENS, UNIT_TESTS))]
        numbers += [count[TIME] + count[CRASH], count[SURVIVED]]
        lines.append(f"| {row} | {' | '.join(str(one) for one in numbers)} |")
    return lines


def differing(found: Mapping[str, str], explained: Mapping[str, str], whole: bool) -> tuple[list[str], list[str]]:
    """The survivors that nobody explained, and the explanations of mutants that are gone or killed.

    Of mutants that a run did not judge nothing is said, unless the run was `whole`.
    """
    survivors = {name for name, verdict in found.items() if verdict == SURVIVED}
    stale = {name for name in explained if (name in found or whole) and name not in survivors}
    return sorted(survivors - set(explained)), sorted(stale)


def page(found: Mapping[str, str], explained: Mapping[str, str], knowledge: str, day: date) -> str:
    """The page of a whole run over the rules of a version of the knowledge, on a day."""
    survivors = sorted(name for name, verdict in found.items() if verdict == SURVIVED)
    lines = [
        *("", "## The last whole run", ""),
        f"On {day}, over knowledge {knowledge}: {len(found)} mutants, {len(found) - len(survivors)} killed, "
        f"{len(survivors)} survived.",
        "",
        *table(found),
        *("", "## The survivors, and why", ""),
    ]
    for name in survivors:
        lines += [f"- `{name}`", f"  {explained.get(name, '**Not explained.**')}"]
    if not survivors:
        lines.append("None.")
    return _HEAD + "\n".join(lines) + "\n"
