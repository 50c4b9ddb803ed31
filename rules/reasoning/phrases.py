"""The text backstop: phrases found in displays and free text as whole words, in any case, unless they are denied."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from rules.reasoning.vertebrae import mentions

LEVEL = "<level>"
"""In a phrase: any vertebra or range of vertebrae."""

SPINE = "<spine>"
"""In a phrase: the spine, or a part of it ("thoracic and lumbar spine")."""

_LEVEL_TOKEN, _SPINE_TOKEN = "xlevelx", "xspinex"

_SPINE_IN_WORDS = re.compile(
    r"(?<!\w)(?:(?:cervical|thoracic|dorsal|lumbar|thoraco-?\s?lumbar|lumbo-?\s?sacral|whole|total|entire|full|"
    r"complete|c|t|l|ls|tl)(?:[\s,/&+-]+(?:and\s+)?))*(?:spine|vertebral column)(?!\w)"
)
_FRACTURE_SIGN = re.compile(
    r"(?<!bed )(?<!room )(?<!ward )(?<!lot )(?<!box )(?<![\w#])#\s?(?=(?:[tdl]|th|bwk|lwk)\s?\d)|"
    r"(?:(?<=[tdl]\d)|(?<=[tdl]1\d))\s?#(?!\w)"
)
"""The sign by which English notes write "fracture", beside a vertebra."""
_FDA_SUFFIX = re.compile(r"(?<=mab)-[a-z]{4}(?!\w)")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?[^\W\d]*|\w+|[.;|,]")
_BREAKS = frozenset(".;|,")
_SMALL_WORDS = frozenset(
    (
        *("of", "the", "a", "an", "at", "in", "to", "left", "right"),
        *("der", "des", "die", "das", "den", "dem", "im", "am", "de", "la", "le", "les", "du", "del", "el", "los"),
    )
)
_DENIALS = frozenset(
    (
        *(
            "no",
            "not",
            "never",
            "without",
            "denie",
            "denied",
            "negative",
            "exclude",
            "excludes",
            "rule",
            "screening",
            "awaiting",
        ),
        *("family", "mother", "father", "maternal", "paternal", "sibling", "familienanamnese"),
        *("risk", "prevent", "prevention", "prophylaxi"),
        *("kein", "keine", "keinen", "keiner", "nicht", "ohne", "ausschluss"),
        *("aucun", "aucune", "pas", "san", "sin", "ningún", "ninguna"),
    )
)
"""Words, without a final s, that deny what follows them in the same clause."""
_DENIALS_AFTER = frozenset(
    (
        *("risk", "prevention", "prophylaxi", "screening", "excluded", "unlikely", "ruled"),
        *("ausgeschlossen", "exclu", "descartada"),
    )
)
_STILL_SAID = frozenset({"longer", "more", "mehr", "plu"})
_WORDS_BEFORE, _WORDS_AFTER = 5, 3
_LONGEST_REMEMBERED_TEXT = 400
_LATIN_GREEK_CYRILLIC = 0x0530


class Phrases:
    """All phrases of all concepts; `concepts(text)` says which concepts a text names."""

    __slots__ = ("_anchors", "_by_anchor", "_remembered", "_unspaced")

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        """`phrases`: phrase, concept."""
        self._unspaced: list[tuple[str, str]] = []
        self._by_anchor: dict[str, list[tuple[tuple[str, ...], int, str]]] = {}
        for phrase, concept in phrases:
            if any(ord(letter) >= _LATIN_GREEK_CYRILLIC for letter in phrase):
                # Japanese and Chinese do not part words by spaces.
                self._unspaced.append((phrase.casefold(), concept))
                continue
            words = normal_words(phrase)
            place = _anchor(words)
            self._by_anchor.setdefault(words[place], []).append((words, place, concept))
        self._anchors = frozenset({form for anchor in self._by_anchor for form in (anchor, anchor + "s")})
        self._remembered: Callable[[str], frozenset[str]] = lru_cache(maxsize=8192)(self._search)

    def concepts(self, text: str) -> frozenset[str]:
        """The concepts of every phrase that `text` says and does not deny ("no vertebral fracture")."""
        return self._remembered(text) if len(text) <= _LONGEST_REMEMBERED_TEXT else self._search(text)

    def _search(self, text: str) -> frozenset[str]:
        lowered = text.casefold()
        if "#" in lowered:
            lowered = _FRACTURE_SIGN.sub(" fracture ", lowered)
        found: set[str] = set()
        if not lowered.isascii():
            lowered = unicodedata.normalize("NFC", lowered)
            found.update(concept for phrase, concept in self._unspaced if phrase in lowered)
        if not self._anchors.isdisjoint(_TOKEN.findall(lowered)):
            found.update(self._in_words(_words(_with_places(lowered))))
        return frozenset(found)

    def _in_words(self, words: Sequence[str]) -> Iterable[str]:
        """Longest phrases first; a word belongs to one phrase only ("old vertebral fracture" is not a fracture)."""
        hits = [
            (start, phrase, concept)
            for position, word in enumerate(words)
            for phrase, place, concept in self._by_anchor.get(word, ())
            if (start := position - place) >= 0 and tuple(words[start : start + len(phrase)]) == phrase
        ]
        hits.sort(key=lambda hit: (-len(hit[1]), hit[0]))
        taken: dict[int, tuple[int, int]] = {}
        for start, phrase, concept in hits:
            end = start + len(phrase)
            owners = {taken.get(position) for position in range(start, end)}
            if owners in ({None}, {(start, end)}):
                taken.update(dict.fromkeys(range(start, end), (start, end)))
                if not _denied(words, start, end):
                    yield concept


def normal_words(phrase: str) -> tuple[str, ...]:
    """The words by which a phrase is compared: small words, plurals and hyphens do not tell two phrases apart."""
    plain = phrase.casefold().replace(LEVEL, _LEVEL_TOKEN).replace(SPINE, _SPINE_TOKEN)
    return tuple(_words(_with_places(plain)))


def _words(text: str) -> list[str]:
    plain = _FDA_SUFFIX.sub("", text.casefold())
    return [_stem(token) for token in _TOKEN.findall(plain) if token not in _SMALL_WORDS]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _anchor(words: Sequence[str]) -> int:
    """The place of the most telling word of a phrase: not a placeholder, the longest."""
    return max(
        (place for place, word in enumerate(words) if word not in (_LEVEL_TOKEN, _SPINE_TOKEN)),
        key=lambda place: len(words[place]),
        default=0,
    )


def _with_places(text: str) -> str:
    for mention in reversed(mentions(text)):
        text = f"{text[: mention.start]} {_LEVEL_TOKEN} {text[mention.end :]}"
    return _SPINE_IN_WORDS.sub(f" {_SPINE_TOKEN} ", text)


def _denied(words: Sequence[str], start: int, end: int) -> bool:
    for position in range(start - 1, max(start - 1 - _WORDS_BEFORE, -1), -1):
        if words[position] in _BREAKS:
            break
        if words[position] in _DENIALS and words[position + 1] not in _STILL_SAID:
            return True
    for position in range(end, min(end + _WORDS_AFTER, len(words))):
        if words[position] in _BREAKS:
            break
        if words[position] in _DENIALS_AFTER:
            return True
    return False
