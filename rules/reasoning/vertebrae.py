"""Vertebrae named in words: "T12", "Th12", "BWK 12", "L1-L3", "T6-9", "12th thoracic", "second lumbar vertebra"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

LEVELS: tuple[str, ...] = (
    *(f"C{number}" for number in range(1, 8)),
    *(f"T{number}" for number in range(1, 13)),
    *(f"L{number}" for number in range(1, 6)),
    *(f"S{number}" for number in range(1, 6)),
)
"""Every vertebra from top to bottom."""

ORDER = {level: place for place, level in enumerate(LEVELS)}

_PART = {"c": "C", "hwk": "C", "hw": "C", "t": "T", "th": "T", "d": "T", "bwk": "T", "bw": "T"}
_PART |= {"l": "L", "lwk": "L", "lw": "L", "s": "S"}
_PART |= {"cervical": "C", "thoracic": "T", "dorsal": "T", "lumbar": "L", "sacral": "S"}
_PART |= {"hals": "C", "brust": "T", "lenden": "L"}
_PART |= {"cervicale": "C", "thoracique": "T", "dorsale": "T", "lombaire": "L"}

_ORDINALS = tuple(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
)

_SHORT = re.compile(
    r"(?<![\w^])(?:(bwk|lwk|hwk|bw|lw|hw|th)[ .]?|([tdlcs])(?:-(?=1[0-2]\b))?)(\d{1,2})(?!\w|[.,]\d)", re.I
)
_FOLLOWING_NUMBER = re.compile(r"\s?([-–/,])(\d{1,2})(?![\w]|[.,/]\d)")
_RANGE = re.compile(r"\s*(?:-|–|—|to|thru|through|bis|à|a|hasta)\s*", re.I)
_LIST = re.compile(r"\s*(?:,|/|&|\+|and|und|et|y|,\s*and)\s*", re.I)

_REGIONS = ("cervical", "thoracic", "dorsal", "lumbar", "sacral")
_WORD = rf"(?:{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))"
_LONG = re.compile(
    rf"\b({_WORD}(?:(?:\s*,\s*|\s+(?:and|to|through)\s+|\s*-\s*|\s*&\s*){_WORD})*)"
    rf"[\s-]+({'|'.join(_REGIONS)})\b(?!\s+(?:rib|nerve|root))",
    re.I,
)
_GERMAN = re.compile(r"\b(\d{1,2})\.\s*(brust|lenden|hals)wirbel", re.I)
_FRENCH = re.compile(
    r"\b(\d{1,2})\s?(?:re|ère|er|e|è|ème|eme)\s+vertèbres?\s+(cervicale|thoracique|dorsale|lombaire)", re.I
)

# "T1", "C3", "D3" and "S1" are also image weightings, complement, vitamins and heart sounds: they are vertebrae only
# where the text speaks of the spine, or says nothing else.
_AMBIGUOUS = re.compile(r"^(?:C\d|S\d|T[1-4])$")
_ABOUT_THE_SPINE = re.compile(
    r"frac|frak|\bfx\b|vert[eé]br|\bspin|column|collaps|compress|kompress|wedg|sinter|wirbel|tassement|aplast|rachis|"
    r"lumbar|thorac|dorsal|kypho|cypho|augment|plast|vcf|#",
    re.I,
)
_BEFORE_NO_VERTEBRA = re.compile(
    r"(?:\b(?:vitamin|vit\.?|hydroxy\w*|oh|25-?oh|free|tsh|stage|staged|grade|type)[\s:,(-]*)$", re.I
)
_AFTER_NO_VERTEBRA = re.compile(
    r"[\s-]*(?:cache|diabetes|dm\b|level\b|esterase|complement|[nm]\d|score|nerve|root|radicul|dermatom|deficien)", re.I
)
_BEFORE_WEIGHTING = re.compile(
    r"(?:stir|flair|sagittal|sag|axial|coronal|weighted|sequences?|dixon)\s*[/,+&]?\s*$", re.I
)
_AFTER_WEIGHTING = re.compile(
    r"[\s-]*(?:weighted|w\b|wi\b|gewichtet|hyper|hypo|iso|signal|sequence|bright|dark|fat|se\b|tse\b|fse\b|"
    r"(?:[/,+&]|and|und)?\s*(?:stir|flair|dixon|fat))",
    re.I,
)
_ONE_OF_SEVERAL = re.compile(r"\s*vertebra\b(?!e)", re.I)
_GERMAN_GROUP = re.compile(r"eines\s+(?:brust|lenden|hals)wirbels:\s*$", re.I)


@dataclass(frozen=True, slots=True)
class Mention:
    """One place in a text that names vertebrae: `alternatives` when it means one of them ("T5-T6 vertebra")."""

    start: int
    end: int
    levels: tuple[str, ...]
    alternatives: bool = False


def span(first: str, last: str) -> tuple[str, ...]:
    """All vertebrae from `first` down to `last`; both must be in `LEVELS`."""
    return LEVELS[ORDER[first] : ORDER[last] + 1]


def mentions(text: str) -> list[Mention]:
    """Every mention of vertebrae in `text`, ranges and lists joined into one."""
    found = sorted([*_short_names(text), *_long_names(text)], key=lambda mention: mention.start)
    joined: list[Mention] = []
    for mention in found:
        if joined and (both := _join(text, joined[-1], mention)):
            joined[-1] = both
        elif not joined or mention.start >= joined[-1].end:
            joined.append(mention)
    return [_one_or_all(text, mention) for mention in joined]


def _short_names(text: str) -> Iterable[Mention]:
    matches = [match for match in _SHORT.finditer(text) if _level(match.group(1) or match.group(2), match.group(3))]
    if not matches:
        return
    spine = _ABOUT_THE_SPINE.search(text) is not None
    weightings = _weightings(text, matches)
    for match in matches:
        level = _level(match.group(1) or match.group(2), match.group(3))
        if match in weightings or _BEFORE_NO_VERTEBRA.search(text, 0, match.start()):
            continue
        if _AFTER_NO_VERTEBRA.match(text, match.end()):
            continue
        doubtful = _AMBIGUOUS.match(level) or match.group(2) in ("d", "D")
        if doubtful and not spine and not _stands_alone(text, match.start(), match.end()):
            continue
        yield _with_following_numbers(text, Mention(match.start(), match.end(), (level,)))


def _level(part: str, number: str) -> str:
    level = f"{_PART[part.casefold()]}{int(number)}"
    return level if level in ORDER else ""


def _weightings(text: str, matches: list[re.Match[str]]) -> set[re.Match[str]]:
    """The "T1" and "T2" that are image weightings, and those listed beside one ("T1, T2 and STIR")."""
    doubtful = [match for match in matches if match.group().upper() in ("T1", "T2")]
    found = {
        match
        for match in doubtful
        if _AFTER_WEIGHTING.match(text, match.end()) or _BEFORE_WEIGHTING.search(text, 0, match.start())
    }
    neighbours = list(pairwise(doubtful))
    for left, right in [*neighbours, *((right, left) for left, right in neighbours)]:
        between = text[min(left.end(), right.end()) : max(left.start(), right.start())]
        if left in found and _LIST.fullmatch(between):
            found.add(right)
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the part of the text between bars holds nothing but levels, as a body site does."""
    left, right = text.rfind("|", 0, start) + 1, text.find("|", end)
    rest = _SHORT.sub("", text[left : right if right >= 0 else len(text)])
    return re.fullmatch(r"(?:\s|-|–|/|,|&|and|to|vertebra[el]?|body|\d{1,2})*", rest, re.I) is not None


def _with_following_numbers(text: str, mention: Mention) -> Mention:
    """ "T6-9", "T11/12", "T6,7,8": numbers that go on without their letter."""
    levels, end = list(mention.levels), mention.end
    while match := _FOLLOWING_NUMBER.match(text, end):
        level = f"{levels[-1][0]}{int(match.group(2))}"
        if level not in ORDER or ORDER[level] <= ORDER[levels[-1]]:
            break
        levels += span(levels[-1], level)[1:] if match.group(1) in "-–" else (level,)
        end = match.end()
    return Mention(mention.start, end, tuple(levels))


def _long_names(text: str) -> Iterable[Mention]:
    # Few texts name a vertebra in full, and to look for a word costs far less than to look for the whole.
    said = text.casefold()
    if any(word in said for word in _REGIONS):
        yield from _english_names(text)
    for word, pattern in (("wirbel", _GERMAN), ("vertèbre", _FRENCH)):
        for match in pattern.finditer(text) if word in said else ():
            if level := _level(match.group(2), match.group(1)):
                yield Mention(match.start(), match.end(), (level,))


def _english_names(text: str) -> Iterable[Mention]:
    for match in _LONG.finditer(text):
        part = _PART[match.group(2).casefold()]
        numbers = [_ordinal(word) for word in re.findall(_WORD, match.group(1), re.I)]
        levels = [f"{part}{number}" for number in numbers if f"{part}{number}" in ORDER]
        if (
            len(levels) == 2
            and re.search(r"\b(?:to|through)\b|-", match.group(1))
            and ORDER[levels[0]] < ORDER[levels[1]]
        ):
            levels = list(span(*levels))
        if levels:
            yield Mention(match.start(), match.end(), tuple(levels))


def _ordinal(word: str) -> int:
    word = word.casefold()
    return _ORDINALS.index(word) + 1 if word in _ORDINALS else int(word[:-2])


def _join(text: str, left: Mention, right: Mention) -> Mention | None:
    """One mention for "T11 to L1" (all between) or "T12/L1" (both), or None when they only stand near each other."""
    between = text[left.end : right.start]
    if _RANGE.fullmatch(between) and ORDER[left.levels[-1]] < ORDER[right.levels[0]]:
        levels = (*left.levels, *span(left.levels[-1], right.levels[0])[1:-1], *right.levels)
    elif _LIST.fullmatch(between):
        levels = (*left.levels, *right.levels)
    else:
        return None
    return Mention(left.start, right.end, tuple(dict.fromkeys(levels)))


def _one_or_all(text: str, mention: Mention) -> Mention:
    if len(mention.levels) == 1 or mention.levels != span(mention.levels[0], mention.levels[-1]):
        return mention
    # ICD-10-CM says "Fracture of T5-T6 vertebra" and ICD-10-GM "Fraktur eines Brustwirbels: T5 und T6" of one vertebra.
    one = _ONE_OF_SEVERAL.match(text, mention.end) or _GERMAN_GROUP.search(text, 0, mention.start)
    return Mention(mention.start, mention.end, mention.levels, alternatives=one is not None)
