"""What a fact is: a frozen record of numbers, words and yes/no values that rules can test and join."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast, dataclass_transform, overload

from rules.reasoning.errors import KnowledgeError

T = TypeVar("T", int, float, str, bool)
Value = int | float | str | bool

_TYPES: dict[str, type[Value]] = {
    "Field[int]": int,
    "Field[float]": float,
    "Field[str]": str,
    "Field[bool]": bool,
}
MAX_TEXT = 120


@dataclass(frozen=True, eq=False)
class Field(Generic[T]):
    """One tested property of a kind of fact: the value on an instance, an expression on the class or an alias."""

    kind: type[Fact]
    name: str
    of: type[Value]
    alias: str = ""

    if TYPE_CHECKING:

        def __set__(self, instance: object, value: T) -> None: ...

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Field[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Field[T] | T:
        return self if instance is None else cast(T, vars(instance)[self.name])

    def __eq__(self, other: object) -> Any:
        return _test(self, "==", other)

    def __ne__(self, other: object) -> Any:
        return _test(self, "!=", other)

    def __lt__(self, other: object) -> Any:
        return _test(self, "<", other)

    def __le__(self, other: object) -> Any:
        return _test(self, "<=", other)

    def __gt__(self, other: object) -> Any:
        return _test(self, ">", other)

    def __ge__(self, other: object) -> Any:
        return _test(self, ">=", other)

    def __add__(self, amount: object) -> Any:
        from rules.reasoning.conditions import Shifted

        return Shifted(self, amount)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise KnowledgeError(f"{self} is a condition, not a value: `and`, `or`, `not` and `in` have no meaning here")

    def one_of(self, *words: str) -> Any:
        """True when the field is one of these words."""
        return _test(self, "one of", words)

    def __str__(self) -> str:
        return f"{self.alias or self.kind.__name__}.{self.name}"


def _test(field: Field[Any], operator: str, other: object) -> Any:
    from rules.reasoning.conditions import make_test

    return make_test(field, operator, other)


class _Named:
    """A kind of fact under an alias: its attributes are fields bound to that alias."""

    def __init__(self, kind: type[Fact], alias: str) -> None:
        self.kind = kind
        self.alias = alias

    def __getattr__(self, name: str) -> Field[Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = self.kind
        if name not in kind.schema:
            raise KnowledgeError(f"{kind.__name__} has no field {name!r}; it has {', '.join(kind.schema)}")
        return Field(kind, name, kind.schema[name], self.alias)


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True, init=False)
class Fact:
    """Base of all kinds of facts.

    Properties annotated `Field[int | float | str | bool]` are what rules test; every other annotation stays with the
    fact for words and evidence. `evidence` are the FHIR references that the fact was read from.

    Raises:
        TypeError: a member is missing, unknown or of another type.
        ValueError: a number or text is one that the engine would crash on or read wrongly.
    """

    schema: ClassVar[dict[str, type[Value]]] = {}
    _members: ClassVar[frozenset[str]] = frozenset()
    _defaults: ClassVar[dict[str, object]] = {}
    _types: ClassVar[list[type[Value]]] = []
    _bounded: ClassVar[tuple[tuple[str, str, type[Value]], ...]] = ()
    evidence: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        annotations = inspect.get_annotations(cls)
        cls.schema = {name: _TYPES[str(kind)] for name, kind in annotations.items() if str(kind) in _TYPES}
        if not cls.schema:
            raise KnowledgeError(f"{cls.__name__} has no field that a rule could test")
        build: Callable[[type], type] = dataclass(frozen=True, kw_only=True, init=False)
        build(cls)
        cls._members = frozenset(field.name for field in fields(cls))
        cls._defaults = {field.name: field.default for field in fields(cls) if field.default is not MISSING}
        cls._types = list(cls.schema.values())
        # Yes and no, as most fields are, have no values that the engine could not hold.
        bounded = ((name, kind) for name, kind in cls.schema.items() if kind is not bool)
        cls._bounded = tuple((name, f"{cls.__name__}.{name}", kind) for name, kind in bounded)
        for name, kind in cls.schema.items():
            setattr(cls, name, Field(cls, name, kind))

    if not TYPE_CHECKING:

        def __init__(self, **given: object) -> None:
            # A frozen dataclass sets its members one by one, which for dozens of facts of dozens of members is felt.
            own = vars(self)
            own.update(self._defaults)
            own.update(given)
            if own.keys() != self._members:
                wrong = ", ".join(sorted(own.keys() ^ self._members))
                raise TypeError(f"{type(self).__name__} lacks or does not know {wrong}")
            if [*map(type, map(own.__getitem__, self.schema))] != self._types:
                for name, kind in self.schema.items():
                    check_value(f"{type(self).__name__}.{name}", kind, own[name])
            for name, of, kind in self._bounded:
                check_value(of, kind, own[name])

    @classmethod
    def named(cls, alias: str) -> type[Self]:
        """This kind under an alias, to write conditions about one fact of it."""
        return cast("type[Self]", _Named(cls, alias))

    def values(self) -> dict[str, Value]:
        """What rules see of the fact: exactly the fields of its schema."""
        own = vars(self)
        return {name: own[name] for name in self.schema}

    def in_words(self) -> str | None:
        """The fact as people say it; None when its fields say it well enough, "" when another fact says it."""
        return None


def check_value(of: str, wanted: type[Value], value: object) -> None:
    """Whether the engine can hold the value of a field, a constant of a condition or a limit; `of` names it.

    Raises:
        TypeError: the value is of another type.
        ValueError: the number or text is one that the engine would crash on or read wrongly.
    """
    if type(value) is not wanted:
        raise TypeError(f"{of} must be {wanted.__name__}, not {type(value).__name__}")
    if isinstance(value, float) and not (math.isfinite(value) and (value == 0 or 1e-4 <= abs(value) < 1e15)):
        raise ValueError(f"{of} is out of the range that the engine can hold")
    if isinstance(value, int) and abs(value) >= 2**53:
        raise ValueError(f"{of} is out of the range that the engine can hold")
    if isinstance(value, str) and (len(value) > MAX_TEXT or not value.isprintable() or '"' in value or "\\" in value):
        raise ValueError(f"{of} must be short printable text without quotes or backslashes")
