"""What the words of a record say of a vertebral fracture: new or the same, in doubt, of the past, of which part.

The text backstop says that a text names a fracture (`rules.reasoning.phrases`); here it is read how it names it.
"""

from __future__ import annotations

import re
from typing import Literal

_NEGATION = (
    r"(?:\b(?:no|not|without|denies|kein|keine|keinen|ohne|sans|sin|pas(?:\s+de)?)\s+"
    r"(?:evidence\s+of\s+|sign\s+of\s+|any\s+|definite\s+|acute\s+|or\s+|further\s+|significant\s+|interval\s+)*)"
)
_NEW = (
    r"\b(?:new|newly|worse|worsen\w*|progress\w*|height\s+loss|loss\s+of\s+(?:vertebral\s+)?(?:body\s+)?height|"
    r"neu|neue|neuer|neues|frische?|zunehmend\w*|progredien\w*|höhenminderung\s+zunehmend|"
    r"nouveau|nouvelle|aggrav\w*|nueva|nuevo|empeora\w*)\b"
)
_SAME = (
    r"\b(?:(?<!year[ -])(?<!years[ -])old|unchanged|stable|healed|alte[rns]?|unverändert\w*|stabil|verheilt|"
    r"ancienne?|inchangée?|antigu[ao]|estable)\b"
)
_NEW_SAID = re.compile(_NEW, re.IGNORECASE)
_NEW_DENIED = re.compile(rf"{_NEGATION}{_NEW}(?:\s*(?:,|/|or|and|oder|und|ou|o)\s*{_NEW})*", re.IGNORECASE)
_SAME_SAID = re.compile(_SAME, re.IGNORECASE)
_SAME_DENIED = re.compile(_NEGATION + _SAME, re.IGNORECASE)


def same_or_new(text: str) -> Literal["new", "same", "unsaid"]:
    """Whether a text calls a fracture new, worse or progressing, or the same as before (old, unchanged, healed).

    Where a text says both ("old L1, new T12"), it says that something is new. "No new fracture" says the same.
    """
    if _NEW_SAID.search(text):
        return "new" if _NEW_SAID.search(_NEW_DENIED.sub(" ", text)) else "same"
    if _SAME_SAID.search(text) and _SAME_SAID.search(_SAME_DENIED.sub(" ", text)):
        return "same"
    return "unsaid"


_BODY = (
    r"(?:fra[ck]|\bfx\b|vcf\b|compress|kompress|collaps|kollaps|wedg|burst|crush|sinter|tassement|aplast|colapso|\#)"
)
# No star over letters before a word is found: a long run of letters would be searched again from each of its places.
_NEAR = r"[^.;|,]{0,40}?"
_DOUBT = (
    r"(?:suspect\w*|suspici\w*|possibl[ey]|probabl[ey]|presum\w*|query|questionable|equivocal|r/o|cannot\s+exclude|"
    r"v\.\s?a|verdacht\w*|fraglich\w*|möglich\w*|suspicion|possible|sospecha|posible)"
)
_PAST = (
    r"(?:old|previous|prior|past|chronic|healed|remote|long-?\s?standing|history\s+of|h/o|alte[rns]?|chronische[rns]?|"
    r"verheilte[rns]?|ancienne?|antigu[ao]|crónica)"
)
_DOUBTED = re.compile(
    rf"\b{_DOUBT}\b\.?{_NEAR}{_BODY}|\?\s?[^.;|,]{{0,30}}{_BODY}|{_BODY}[^.;|]{{0,30}}?(?:\?|\b(?:suspected|possible|not\s+excluded|"
    r"cannot\s+be\s+excluded|fraglich|möglich)\b)",
    re.IGNORECASE,
)
_PAST_SAID = re.compile(
    rf"(?<!no )(?<!without )\b{_PAST}(?:[\s,/&-]+(?:of|the|an?|and|to|[a-z]{{0,3}}\s?\d+|vertebra[el]?|osteoporotic|"
    rf"thoracic|lumbar|spinal|spine|benign|multiple|mild|moderate|severe|\d+%|anterior|superior|inferior)){{0,6}}[\s,/&-]+{_BODY}",
    re.IGNORECASE,
)
"""Only words that belong to the fracture may stand between: "chronic pain after a fracture" is not of the past."""
_PROCESS = re.compile(
    r"\b(?:(?:transverse|spinous|articular)\s+process|pars\b|spondyloly|facet|lamina|pedic(?:le|ular)|querfortsatz|"
    r"dornfortsatz|processus|apophyse|apófisis)",
    re.IGNORECASE,
)
_VERTEBRAL_BODY = re.compile(
    r"vcf\b|compress|kompress|collaps|wedg|burst|crush|\bbod(?:y|ies)\b|endplate|sinter|wirbelkörper|tassement|aplast|"
    r"colapso",
    re.IGNORECASE,
)


def doubted(text: str) -> bool:
    """Whether a text leaves it open that there is a fracture: suspected, possible, "?L1 fracture"."""
    return _DOUBTED.search(text) is not None


def of_the_past(text: str) -> bool:
    """Whether a text speaks of a fracture that is not of now: old, previous, chronic, healed."""
    said = same_or_new(text)
    return said == "same" or (said == "unsaid" and _PAST_SAID.search(text) is not None)


def spares_the_body(text: str) -> bool:
    """Whether a text names only a part of the vertebra that no compression fracture is of: a process, the pars."""
    return _PROCESS.search(text) is not None and _VERTEBRAL_BODY.search(text) is None
