"""What a dialect needs while it reads one patient: words to codes, text to dates, and where to name what failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from rules.reasoning.dates import DateInterval, day_in_utc
from rules.reasoning.facts.drugs import DRUGS
from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import Code, Unusable
from service.fhir.elements import Annotation, CodeableConcept, Reference

MAX_TEXT = 500
MAX_CONCLUSION = 20_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(slots=True)
class Coded:
    """The codes, words and concepts of one record."""

    codes: tuple[Code, ...]
    text: str
    concepts: frozenset[str]


@dataclass(slots=True)
class PatientReading:
    """One patient being read: what everything has in common, and the list of what could not be used."""

    terminology: Terminology
    as_of: date
    medications: Mapping[str, CodeableConcept]
    encounters: Mapping[str, DateInterval]
    source: str = ""
    draft: bool = False
    selected: bool = False
    unusable: list[Unusable] = field(default_factory=list)
    _named: dict[tuple[CodeableConcept, ...], Coded] = field(default_factory=dict)

    def refuse(self, reference: str, element: str, reason: str) -> None:
        """Name something that could not be used."""
        self.unusable.append(Unusable(reference, reason, element, self.source))

    def day(self, text: str | None, reference: str, element: str, *, planned: bool = False) -> DateInterval | None:
        """A FHIR date as an interval; one that is no date is named and counts as not known.

        The day is the one written down at the place of care. East of the server it may be one that has not begun here:
        unless it is `planned`, a moment that has passed by the end of the day of evaluation, in UTC, is of that day.
        """
        if text is None:
            return None
        try:
            found = DateInterval.parse(text)
        except ValueError:
            self.refuse(reference, element, "not a date that exists")
            return None
        if found.earliest > self.as_of and not planned:
            moment = day_in_utc(text)
            if moment is not None and moment <= self.as_of:
                return DateInterval.on(self.as_of)
        return found

    def coded(
        self,
        concepts: Iterable[CodeableConcept | None],
        notes: Sequence[Annotation] = (),
        conclusion: str | None = None,
    ) -> Coded:
        """All codes of a record, its words, and the concepts that both name.

        A `conclusion` is a text of its own: what it names is added, whatever the codes say.
        """
        known = tuple([concept for concept in concepts if concept is not None])
        if notes or conclusion:
            return self._coded(known, notes, conclusion)
        # A chart names the same things again and again.
        found = self._named.get(known)
        if found is None:
            found = self._named[known] = self._coded(known, (), None)
        return found

    def _coded(self, known: Sequence[CodeableConcept], notes: Sequence[Annotation], conclusion: str | None) -> Coded:
        codes = tuple(
            Code(self.terminology.system(coding.system or ""), coding.code or "", clean(coding.display or ""))
            for concept in known
            for coding in concept.coding
            if coding.code
        )
        words = [coding.display for concept in known for coding in concept.coding]
        words += [concept.text for concept in known]
        words += [note.text for note in notes]
        text = clean(" | ".join(dict.fromkeys(word for word in words if word)))
        found = self.terminology.concepts(codes, text)
        if conclusion:
            said = clean(conclusion, MAX_CONCLUSION)
            found |= self.terminology.concepts((), said)
            text = " | ".join(word for word in (text, said) if word)
        return Coded(codes, text, found)

    def sites(self, body_sites: Iterable[CodeableConcept]) -> tuple[Code, ...]:
        """Body sites as codes; a site in words only is a code of no system."""
        found: list[Code] = []
        for site in body_sites:
            found += [
                Code(self.terminology.system(coding.system or ""), coding.code or "", clean(coding.display or ""))
                for coding in site.coding
            ]
            if site.text:
                found.append(Code("", "", clean(site.text)))
        return tuple(found)

    def drug(
        self,
        inline: CodeableConcept | None,
        pointer: Reference | None,
        contained: Mapping[str, CodeableConcept],
        of: str,
    ) -> CodeableConcept | None:
        """The drug of a record: inline, contained, or referred to; one that nobody can tell is named."""
        if inline is not None and (inline.coding or inline.text):
            return inline
        if pointer is None:
            if not self.draft:
                self.refuse(of, "medicationReference", "names no drug")
            return None
        target = pointer.reference or ""
        found = contained.get(target.removeprefix("#")) if target.startswith("#") else None
        found = found or self.medications.get(target) or self.medications.get(last_two(target))
        if found is None:
            # An order still being written is often of a drug that only its author's screen knows, by its name.
            if target and not (self.draft and pointer.display):
                self.refuse(of, "medicationReference", "the reference does not resolve")
            if not target and not (self.draft or pointer.display):
                self.refuse(of, "medicationReference", "names no drug")
            return CodeableConcept(text=pointer.display) if pointer.display else None
        return CodeableConcept(found.coding, " | ".join(word for word in (found.text, pointer.display) if word) or None)


@lru_cache(maxsize=4096)
def test_named(terminology: Terminology, code: CodeableConcept | None) -> Coded:
    """What the code of an observation names; a chart repeats few tests, so that each is looked up once."""
    found = PatientReading(terminology, date.min, {}, {}).coded([code])
    return Coded(found.codes, found.text, found.concepts - DRUGS)


def clean(text: str, longest: int = MAX_TEXT) -> str:
    """Words of a record without control characters, and bounded."""
    if len(text) <= longest and text.isprintable():
        return text.strip()
    return _CONTROL.sub(" ", text[: 2 * longest]).strip()[:longest]


def last_two(reference: str) -> str:
    """ "Type/id" of a relative, absolute or versioned reference."""
    if reference.count("/") == 1:
        return reference
    parts = reference.split("/_history/")[0].rstrip("/").split("/")
    return "/".join(parts[-2:])
