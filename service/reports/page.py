"""A page for a terminal: lines that fit its width, hang under their label, and carry no control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

WIDEST = 120
"""Lines longer than this are hard to read, however wide the terminal."""

NARROWEST = 40

STYLES = {
    "critical": "bold red",
    "warning": "bold yellow",
    "info": "cyan",
    "heading": "bold",
    "quiet": "dim",
    "dose": "bold green",
    "protected": "green",
    "possible": "yellow",
    "probable": "red",
    "fracture": "bold red",
    "today": "bold",
}
"""Meaning -> style. Colour is an addition: every page reads the same without it."""

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """`text` in which nothing can steer a terminal: control and direction-changing characters become \\x escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\t\n":
        return " "
    if unicodedata.category(character) in _UNPRINTABLE:
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character


def fitting(columns: int) -> int:
    """The width to write for on a terminal of `columns` columns."""
    return max(NARROWEST, min(columns, WIDEST))


def styled(text: str, meaning: str = "") -> Text:
    """`text`, made printable, in the style of its meaning (a key of `STYLES`, or "")."""
    return Text(printable(text), style=STYLES[meaning] if meaning else "")


def joined(parts: Iterable[Text | str], separator: str = "  ") -> Text:
    """The parts that are not empty, with `separator` between them."""
    kept = [part if isinstance(part, Text) else styled(part) for part in parts if part]
    return Text(separator).join(kept)


def shortened(text: str, columns: int, cut: str = "…") -> str:
    """`text` in at most `columns` columns, with the sign `cut` for what is left out."""
    clean = printable(text)
    if cell_len(clean) <= columns:
        return clean
    kept = clean
    while kept and cell_len(kept) > columns - cell_len(cut):
        kept = kept[:-1]
    return kept.rstrip() + cut


def _folded(text: Text, room: int) -> Iterable[Text]:
    """Lines of at most `room` columns, divided between words only: half a reference would name another record."""
    ends, column = [], 0
    for word in re.finditer(r"\S+\s*", text.plain):
        if column and column + cell_len(word.group().rstrip()) > room:
            ends.append(word.start())
            column = 0
        column += cell_len(word.group())
    return text.divide(ends)


@dataclass(slots=True)
class Page:
    """Lines written from top to bottom, none wider than `width` columns (a single longer word stays whole)."""

    width: int
    lines: list[Text] = field(default_factory=list)

    def heading(self, text: str, right: str = "") -> None:
        """A line in bold, with quieter words at its right end where there is room."""
        line = styled(text, "heading")
        gap = self.width - line.cell_len - cell_len(right)
        if right and gap >= 2:
            line = line + Text(" " * gap) + styled(right, "quiet")
        self.lines.append(line)
        if right and gap < 2:
            self.put(styled(right, "quiet"), indent=2)

    def gap(self) -> None:
        """An empty line, never two together."""
        if self.lines and self.lines[-1].plain:
            self.lines.append(Text(""))

    def put(
        self,
        body: Text | str,
        *,
        label: Text | str = "",
        indent: int = 0,
        hang: int | None = None,
        further: int | None = None,
    ) -> None:
        """Words from column `indent`, or behind a `label` from column `hang`; their further lines from `further`.

        Without `further` these begin at `hang`, and without `hang` at `indent`.
        """
        text = body if isinstance(body, Text) else styled(body)
        name = label if isinstance(label, Text) else styled(label)
        start = indent if hang is None else hang
        rest = start if further is None else further
        first = Text(" " * indent) + name
        if name and first.cell_len >= start:
            self.lines.append(first)
            first = Text("")
        if name:
            first += Text(" " * (start - first.cell_len))
        room = max(self.width - max(first.cell_len, rest), 20)
        for number, piece in enumerate(_folded(text, room)):
            line = (first if number == 0 else Text(" " * rest)) + piece
            line.rstrip()
            self.lines.append(line)

    def plain(self) -> str:
        """The page without any style, a line feed after each line."""
        return "".join(f"{line.plain}\n" for line in self.lines)
