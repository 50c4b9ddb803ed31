"""The small wrong changes that a rule or a fact could suffer: conditions dropped, limits moved by one, words swapped.

mutmut and its like change the bodies of functions as they are called; a rule's conditions stand in its decorator and
are evaluated once, when the module is imported. So here the syntax tree is changed, before anything is imported.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import TypeVar

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
FUNCTIONS = {"holds": "fails", "fails": "holds", "min": "max", "max": "min", "any": "all", "all": "any"}
WORDS = {
    "BLOCK": "warning",
    "NOT_YET": "warning",
    "WARNING": "remark",
    "REMARK": "none",
    "ZOLEDRONATE": "denosumab",
    "DENOSUMAB": "zoledronate",
}
INDICATORS = {"CRITICAL": "WARNING", "WARNING": "INFO", "INFO": "WARNING"}
OPTIONAL = {"detail", "suggestions", "choice", "about", "unless", "due", "urgent", "recommended", "step"}
"""What a call may leave out without an error, so that its absence must be seen by somebody."""

LONGEST = 90
CONDITIONS = " (conditions)"

T = TypeVar("T")


@dataclass(frozen=True)
class Mutant:
    """One change of one module: `id` stays the same when lines move; `rule` is the rule it is about, or "".

    `concluding` says that the change is in the advice that the rule concludes with, so that it matters only where the
    rule applies, and to no other rule.
    """

    id: str
    path: Path
    number: int
    rule: str
    concluding: bool

    @property
    def module(self) -> str:
        """The dotted name of the module that is changed."""
        return ".".join(self.path.with_suffix("").parts)

    def code(self) -> CodeType:
        """The changed module, compiled."""
        tree = _tree(self.path)
        _, target, _, replacement = list(_changes(tree))[self.number]
        changed = ast.fix_missing_locations(_Replacing(target, replacement).visit(tree))
        assert isinstance(changed, ast.Module)
        return compile(changed, str(self.path), "exec", flags=0, dont_inherit=True)


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a module, in the order of its text; `path` is relative to the root of the project."""
    tree, seen, found = _tree(path), Counter[str](), []
    rules, advising = _rules(tree)
    for number, (scope, _, what, _) in enumerate(_changes(tree)):
        name = f"{path}::{scope}: {what}"
        seen[name] += 1
        again = f" #{seen[name]}" if seen[name] > 1 else ""
        rule = rules.get(scope.removesuffix(CONDITIONS), "")
        found.append(Mutant(name + again, path, number, rule, rule in advising and not scope.endswith(CONDITIONS)))
    return found


class _Replacing(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        """The replacement in place of the target, everything else as it is."""
        if node is self.target:
            return (
                ast.copy_location(self.replacement, node)
                if isinstance(node, ast.expr | ast.stmt)
                else (self.replacement)
            )
        return self.generic_visit(node)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _rules(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """The id of the rule that each function is the conclusion of, by the function's name; and which rules advise."""
    found, advising = {}, set()
    for node in tree.body:
        for call in _decorating_rule(node):
            match call.args:
                case [ast.Constant(value=str(rule)), *_] if isinstance(node, ast.FunctionDef):
                    found[node.name] = rule
                    if any(ast.unparse(one.value) == "Phase.ADVISE" for one in call.keywords):
                        advising.add(rule)
    return found, advising


def _decorating_rule(node: ast.AST) -> list[ast.Call]:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return [one for one in decorators if isinstance(one, ast.Call) and ast.unparse(one.func) == "rule"]


def _words(node: ast.AST) -> str:
    words = " ".join(ast.unparse(node).split())
    # The end of a long text tells as much as its beginning: a dropped element is often the last one.
    return words if len(words) <= LONGEST else f"{words[: LONGEST // 2]} … {words[-LONGEST // 2 :]}"


def _changes(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str, ast.AST]]:
    """Scope, node, what is done to it, and what stands in its place."""
    for scope, node in _nodes(tree, ""):
        for what, replacement in _replacements(node):
            yield scope, node, what, replacement


def _nodes(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node that decides something, with the name that it stands under; no annotation, import or docstring."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return
        case ast.FunctionDef():
            scope = f"{scope}.{node.name}".lstrip(".")
            for decorator in _decorating_rule(node):
                yield from _nodes(decorator, scope + CONDITIONS)
            children: list[ast.AST] = [*node.args.defaults, *node.body]
        case ast.ClassDef():
            scope = f"{scope}.{node.name}".lstrip(".")
            children = [*node.body]
        case ast.Assign(targets=[ast.Name(id=name)]) if not scope:
            scope, children = name, [node.value]
        case ast.AnnAssign(target=ast.Name(id=name)):
            scope = f"{scope}.{name}" if scope[:1].isupper() else scope or name
            children = [node.value] if node.value else []
        case ast.Subscript():
            children = [node.value, *([] if isinstance(node.slice, ast.Tuple) else [node.slice])]
        case ast.keyword(arg="strict"):
            return
        case _:
            children = list(ast.iter_child_nodes(node))
    yield scope, node
    for child in children:
        yield from _nodes(child, scope)


def _replacements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            changed = ast.Compare(node.left, [COMPARISONS[type(op)]()], node.comparators)
            yield f"{_words(node)} becomes {_words(changed)}", changed
        case ast.Call():
            yield from _of_a_call(node)
        case ast.UnaryOp(op=ast.Not()):
            yield f"{_words(node)} becomes {_words(node.operand)}", node.operand
        case ast.BoolOp(values=values):
            for place, value in enumerate(values):
                rest = _without(values, place)
                yield f"without {_words(value)}", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        case ast.If():
            contrary = copy(node)
            contrary.test = ast.UnaryOp(ast.Not(), node.test)
            yield f"the contrary of if {_words(node.test)}", contrary
        case ast.IfExp():
            yield f"the other branch of if {_words(node.test)}", ast.IfExp(node.test, node.orelse, node.body)
        case ast.comprehension(ifs=ifs):
            for place, test in enumerate(ifs):
                yield (
                    f"without if {_words(test)}",
                    ast.comprehension(node.target, node.iter, _without(ifs, place), node.is_async),
                )
        case ast.Tuple(elts=elts, ctx=ast.Load()) | ast.List(elts=elts, ctx=ast.Load()) | ast.Set(elts=elts):
            for place, element in enumerate(elts):
                shorter = copy(node)
                shorter.elts = _without(elts, place)
                yield f"without {_words(element)}", shorter
        case ast.Dict(keys=keys):
            for place, key in enumerate(keys):
                words = _words(key) if key else "**"
                yield f"without {words}", ast.Dict(_without(keys, place), _without(node.values, place))
        case ast.Constant(value=bool(value)):
            yield f"{value} becomes {not value}", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield f"{value} becomes {value + 1}", ast.Constant(value + 1)
        case ast.Attribute(value=ast.Name(id="Indicator"), attr=word):
            yield f"{word} becomes {INDICATORS[word]}", ast.Attribute(node.value, INDICATORS[word], node.ctx)
        case ast.Name(id=name, ctx=ast.Load()) if name in WORDS:
            yield f"{name} becomes {WORDS[name]!r}", ast.Constant(WORDS[name])
        case ast.BinOp(op=ast.Add() | ast.Sub() as sign) if not _is_text(node.left) and not _is_text(node.right):
            other = ast.BinOp(node.left, ast.Sub() if isinstance(sign, ast.Add) else ast.Add(), node.right)
            yield f"{_words(node)} becomes {_words(other)}", other


def _of_a_call(node: ast.Call) -> Iterator[tuple[str, ast.Call]]:
    match node.func:
        case ast.Name(id="each"):
            for place in range(1, len(node.args)):
                yield (
                    f"without {_words(node.args[place])}",
                    ast.Call(node.func, _without(node.args, place), node.keywords),
                )
        case ast.Name(id="laboratory") | ast.Attribute(attr="one_of"):
            for place in range(isinstance(node.func, ast.Name), len(node.args)):
                yield (
                    f"without {_words(node.args[place])}",
                    ast.Call(node.func, _without(node.args, place), node.keywords),
                )
        case ast.Name(id=name) if name in FUNCTIONS:
            swapped = ast.Call(ast.Name(FUNCTIONS[name], ast.Load()), node.args, node.keywords)
            yield f"{_words(node)} becomes {FUNCTIONS[name]}", swapped
    for place, keyword in enumerate(node.keywords):
        if keyword.arg in OPTIONAL:
            yield f"without {keyword.arg}=", ast.Call(node.func, node.args, _without(node.keywords, place))


def _without_arguments(node: ast.Call, first: int) -> Iterator[tuple[str, ast.Call]]:
    for place, argument in enumerate(node.args[first:], first):
        yield f"without {_words(argument)}", ast.Call(node.func, _without(node.args, place), node.keywords)


def _without(values: Sequence[T], place: int) -> list[T]:
    return [value for number, value in enumerate(values) if number != place]


def _is_text(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Constant(value=str()):
            return True
        case ast.BinOp():
            return _is_text(node.left) or _is_text(node.right)
        case ast.IfExp():
            return _is_text(node.body) or _is_text(node.orelse)
    return False
