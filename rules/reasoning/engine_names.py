"""Names that durable_rules handles safely: what it tells apart it tells apart by their hashes."""

from __future__ import annotations

from rules.reasoning.fact import Fact


class Names:
    """Short generated names for the engine, none of whose hashes it mishandles or confuses."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._hashes: set[int] = {fnv1a(word) for word in ("id", "sid", "$s", "m")}
        self._next = 0

    def of(self, meaning: str) -> str:
        """The name that stands for a meaning."""
        if meaning not in self._names:
            self._names[meaning] = self._new()
        return self._names[meaning]

    def property(self, kind: type[Fact], field: str) -> str:
        """The name of one field of one kind of fact."""
        return self.of(f"{kind.__name__}.{field}")

    def _new(self) -> str:
        while True:
            name = f"n{self._next}"
            self._next += 1
            code = fnv1a(name)
            # A hash divisible by 16 cancels unrelated rules; two names with one hash would be one name.
            if code % 16 and code not in self._hashes:
                self._hashes.add(code)
                return name


def fnv1a(word: str) -> int:
    """The hash of a name (FNV-1a, 32 bits), as durable_rules computes it."""
    code = 2166136261
    for byte in word.encode():
        code = ((code ^ byte) * 16777619) & 0xFFFFFFFF
    return code
