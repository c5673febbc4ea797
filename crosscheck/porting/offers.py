"""What a target framework has to offer: its natives of one family of lines, and what can be made of them.

Where two natives differ by an argument or by a wrapping, as ``optax.chain(optax.add_decayed_weights(weight_decay), …)``,
their claims say what that does to a reading; it is then offered for the others, too. Whether it does the same there, the proof
says.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ...adapters.contract import Adapter, Native, dotted_names
from ...reference.catalogue import line as line_named
from ...reference.formula import Optimizer
from ...reference.vocabulary import Reading
from .feeds import FORMAT
from .source import Setting


@dataclass(frozen=True, eq=False)
class Offer:
    """An optimizer of the target: its ``expression`` over ``rate``, ``w`` and the hyperparameters that it ``takes``, and the
    reading that is claimed for it. ``made_of`` names natives from which it is put together."""

    name: str
    line: Optimizer
    reading: Reading
    expression: str
    takes: tuple[str, ...]
    fixed: Mapping[str, float]
    made_of: tuple[str, ...] = ()

    @property
    def untaken(self) -> dict[str, float]:
        """Values of the hyperparameters that it does not take: fixed, or of no effect."""
        neutral = {h.name: h.default if h.neutral is None else h.neutral for h in self.line.hyperparameters}
        return {name: value for name, value in {**neutral, **self.fixed}.items() if name not in self.takes}

    @property
    def tree(self) -> ast.expr:
        return ast.parse(self.expression, mode="eval").body

    @property
    def root(self) -> str:
        """The module that its outermost call is from, by the name it has in expressions."""
        return dotted_names(self.expression)[0][0]

    def native(self, expression: str) -> Native:
        """A native that needs nothing but a rate, for the adapter to run."""
        return Native(self.line.id, self.name, expression, dict(self.reading.axes))


def offers(adapter: Adapter, source: Setting, root: str = "") -> list[Offer]:
    """The natives of the source's family, and those made of them that come nearer to its reading; ``root`` keeps to those of
    one module, such as optax."""
    found = [offer for offer in _natives(adapter) if offer.line.family == source.line.family]
    for _ in range(2):
        found += [made for made in _modified(adapter, found, source) if made.expression not in {o.expression for o in found}]
    return [offer for offer in found if not root or offer.root == root]


@cache
def _natives(adapter: Adapter) -> Sequence[Offer]:
    known = [_offer(native) for native in adapter.natives if isinstance(line_named(native.line), Optimizer)]
    installed = [o for o, native in known if FORMAT in (native.dtypes or (FORMAT,)) and not adapter.missing(native)]
    forms = _forms(installed)
    plain = [replace(offer, expression=_without(offer.tree, forms)) for offer in installed]
    return list({(offer.line.id, offer.expression): offer for offer in reversed(plain)}.values())[::-1]


def _offer(native: Native) -> tuple[Offer, Native]:
    line = line_named(native.line)
    assert isinstance(line, Optimizer)
    reading = line.reading("printed", **native.claim)
    return Offer(native.name, line, reading, native.expression, native.takes, native.fixed), native


# --- arguments without a meaning ------------------------------------------------------------------------------------


def _forms(offers: Sequence[Offer]) -> set[str]:
    """The keywords in which alone natives of one reading differ, such as ``foreach`` and ``fused``."""
    found: set[str] = set()
    for i, a in enumerate(offers):
        for b in offers[i + 1 :]:
            if (a.line.family, a.reading, a.takes) == (b.line.family, b.reading, b.takes):
                found |= _differing(a.tree, b.tree)
    return found


def _differing(a: ast.expr, b: ast.expr) -> set[str]:
    """The keywords that two calls do not share, if these are constants and all else is the same."""
    if not isinstance(a, ast.Call) or not isinstance(b, ast.Call):
        return set()
    mine, theirs = _keywords(a), _keywords(b)
    differing = {name for name in {*mine, *theirs} if _dump(mine.get(name)) != _dump(theirs.get(name))}
    constant = all(isinstance(side[name], ast.Constant) for side in (mine, theirs) for name in differing if name in side)
    return differing if constant and _without(a, differing) == _without(b, differing) else set()


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _dump(node: ast.expr | None) -> str:
    return ast.dump(node) if node else ""


def _without(tree: ast.expr, names: set[str]) -> str:
    if isinstance(tree, ast.Call):
        tree = ast.Call(tree.func, tree.args, [keyword for keyword in tree.keywords if keyword.arg not in names])
    return ast.unparse(tree)


# --- what natives show can be made of others ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Change:
    """Something that turns one native into another: on axes it ``leads`` from an option to an option, it takes ``more``
    hyperparameters. ``keywords`` are added to a call; else ``whole`` is put around it, in the place of ``part``."""

    leads: Mapping[str, tuple[str, str]]
    more: tuple[str, ...]
    root: str
    shown_by: str
    keywords: Mapping[str, ast.expr]
    whole: ast.expr
    part: ast.expr


@cache
def _changes(adapter: Adapter) -> Sequence[_Change]:
    every = _natives(adapter)
    pairs = ((a, b) for b in every for a in every if a is not b and a.line.family == b.line.family)
    return [change for a, b in pairs if (change := _change(a, b)) is not None]


def _modified(adapter: Adapter, offers: Sequence[Offer], source: Setting) -> Iterator[Offer]:
    for offer in offers:
        for change in _changes(adapter):
            if _is_towards(change, offer, source) and (expression := _applied(adapter, change, offer)):
                yield replace(
                    offer,
                    name="+".join([offer.name, *(f"{axis}={to}" for axis, (_, to) in change.leads.items())]),
                    reading=offer.reading.but(**{axis: to for axis, (_, to) in change.leads.items()}),
                    expression=expression,
                    takes=(*offer.takes, *change.more),
                    made_of=(*(offer.made_of or (offer.name,)), change.shown_by),
                )


def _change(a: Offer, b: Offer) -> _Change | None:
    """What makes ``a`` of ``b``, if it is keywords or a wrapping."""
    leads = b.reading.difference(a.reading)
    more = tuple(name for name in a.takes if name not in b.takes)
    if not leads or not set(b.takes) <= set(a.takes):
        return None
    whole, part = a.tree, b.tree
    added = _added(whole, part)
    if not added and not _occurs(part, whole):
        return None
    return _Change(leads, more, b.root, a.name, added, whole, part)


def _added(a: ast.expr, b: ast.expr) -> dict[str, ast.expr]:
    if not isinstance(a, ast.Call) or not isinstance(b, ast.Call):
        return {}
    added = {name: value for name, value in _keywords(a).items() if name not in _keywords(b)}
    return added if _without(a, set(added)) == ast.unparse(b) else {}


def _occurs(part: ast.expr, whole: ast.expr) -> bool:
    return sum(_dump(node) == _dump(part) for node in ast.walk(whole) if isinstance(node, ast.expr)) == 1


def _is_towards(change: _Change, offer: Offer, source: Setting) -> bool:
    """Whether a change brings an offer to the source's options, with hyperparameters that its line has."""
    options, known = dict(offer.reading.choices), {h.name for h in offer.line.hyperparameters}
    wanted = dict(source.reading.choices)
    return (
        change.root == offer.root
        and all(options.get(axis) == start and wanted.get(axis) == to for axis, (start, to) in change.leads.items())
        and all(name in known and name not in offer.takes for name in change.more)
    )


def _applied(adapter: Adapter, change: _Change, offer: Offer) -> str:
    """The changed expression; "" where the call does not take the keywords."""
    call = offer.tree
    if not change.keywords:
        return ast.unparse(_Replaced(change.part, call).visit(copy.deepcopy(change.whole)))
    if not isinstance(call, ast.Call) or not set(change.keywords) <= _accepted(adapter, call) - set(_keywords(call)):
        return ""
    added = [ast.keyword(name, value) for name, value in change.keywords.items()]
    return ast.unparse(ast.Call(call.func, call.args, [*call.keywords, *added]))


class _Replaced(ast.NodeTransformer):
    def __init__(self, part: ast.expr, by: ast.expr):
        self._part, self._by = _dump(part), by

    def visit(self, node: ast.AST) -> Any:
        return self._by if isinstance(node, ast.expr) and _dump(node) == self._part else super().visit(node)


def _accepted(adapter: Adapter, call: ast.Call) -> set[str]:
    """The keywords that what is called takes."""
    return set(inspect.signature(called(adapter, call)).parameters)


def called(adapter: Adapter, call: ast.Call) -> Any:
    """The function or the class that a call names."""
    return eval(compile(ast.unparse(call.func), "<call>", "eval"), adapter.names())
