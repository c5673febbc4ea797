"""Words for what several answers speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...crosscheck.answers import Kind, Separator, Stored, Way
from ...crosscheck.findings import Number

_KINDS = {Kind.RATE: "the rate", Kind.POWER: "β^t", Kind.COMPLEMENT: "1-β^t", Kind.MULTIPLE: "1-αλ", Kind.ROOT: "roots"}
_WAYS = {
    Way.ROUNDED: "",
    Way.ARRAY: " (an array of it)",
    Way.ITEM: " (an array of it, used as a number)",
    Way.IN_PLACE: " (updated in place)",
    Way.PRODUCTS: " (by products)",
    Way.FROM_FLOAT64: " (rounded from float64)",
    Way.AT_RANDOM: ", rounded up or down at random, without a bias",
    Way.CUT_OFF: ", where further digits are cut off",
}
_WEIGHTS = {
    Kind.WEIGHTS: "its weights in {0}{1}",
    Kind.COPY: "its weights more precisely than the {0} copies of them that it shows{1}",
}


def stored(quantities: Iterable[Stored]) -> str:
    """What a box stores, and in which format: "V and S in float32"."""
    phrases, by_format = [], dict[str, list[str]]()
    for one in quantities:
        if one.kind in _WEIGHTS:
            phrases.append(_WEIGHTS[one.kind].format(one.format, _WAYS[one.way]))
        else:
            both = f" and 1-{one.name}" if one.kind is Kind.HYPERPARAMETER and one.way is Way.FROM_FLOAT64 else ""
            by_format.setdefault(one.format, []).append(f"{_KINDS.get(one.kind, one.name)}{both}{_WAYS[one.way]}")
    return " and ".join([*(f"{listed(names)} in {format_}" for format_, names in by_format.items()), *phrases])


def separators(ways: Iterable[Separator], refused: Iterable[str]) -> list[str]:
    words = {
        Separator.CHANGING_RATE: "a rate that changes from step to step",
        Separator.FLOAT64: "weights in float64",
        Separator.REFUSED_ARGUMENTS: f"other values of {', '.join(refused)}, which it refuses to take",
    }
    return [words[way] for way in ways]


def reading(axes: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={option}" for axis, option in axes.items()) or "the only reading"


def versions(known: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in known.items())


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def numbers(values: Sequence[float]) -> str:
    return ", ".join(map(exact, values))


def exact(value: float) -> str:
    """As few digits as give the number back."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(float(value))


def told_apart(a: Number, b: Number) -> tuple[str, str]:
    """Two numbers with as many digits as tell them apart."""
    a, b = float(a), float(b)
    for digits in range(4, 18):
        shown = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if shown[0] != shown[1]:
            return shown
    return repr(a), repr(b)
