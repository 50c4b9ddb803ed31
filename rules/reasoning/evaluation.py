"""The outcome of one evaluation of one patient: what was worked out, what it rests on, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rules.reasoning.conclusions import Conclusion, Suppressed
from rules.reasoning.dates import DateInterval
from rules.reasoning.reasoner import Trace
from rules.reasoning.timeline import Gap, Unusable


@dataclass(frozen=True, slots=True)
class MonthRange:
    """Whole calendar months elapsed: at least `min`, at most `max` (None when there is no upper bound)."""

    min: int
    max: int | None


@dataclass(frozen=True, slots=True)
class DoseSummary:
    """One injection: when, on what basis it is known, and of which product ("60mg", "120mg", "unknown")."""

    when: DateInterval
    basis: str
    product: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DenosumabSummary:
    """The course of denosumab and its state on the day of evaluation (words of the public contract)."""

    product: str
    state: str
    doses: tuple[DoseSummary, ...]
    dose_count: int
    last_dose: DateInterval | None
    basis: str | None
    months_since: MonthRange | None
    exposure_long: bool
    due: DateInterval | None
    stopped: DateInterval | None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FractureSummary:
    """One vertebral fracture event; `reason` says in words which limit or cause decided its class."""

    fracture_class: str
    levels: tuple[str, ...]
    event: DateInterval
    months_after_last_dose: MonthRange | None
    evidence: tuple[str, ...]
    reason: str
    recent: bool
    despite_bridge: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that every route (hook call, command line, batch, page, test) shows of one patient.

    `conclusions` are those that speak at `hook`, most urgent first; `notes` are plain sentences on the quality of the
    data ("strength inferred from the interval of the doses"). For somebody who is `deceased` nothing is concluded.
    """

    patient: str
    as_of: date
    hook: str | None
    knowledge_version: str
    denosumab: DenosumabSummary
    fractures: tuple[FractureSummary, ...]
    fracture_class: str | None
    conclusions: tuple[Conclusion, ...]
    suppressed: tuple[Suppressed, ...]
    unusable: tuple[Unusable, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    trace: Trace
    deceased: bool = False
