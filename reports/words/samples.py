"""What samples, places in arrays, and schedules of rates are called."""

from __future__ import annotations

from collections.abc import Sequence

from ...crosscheck.findings import Label

SCHEDULES = {
    "constant": "a constant rate",
    "halving": "a rate that halves every fifth step",
    "new-every-step": "a rate that is new at every step",
    "drop": "a rate that drops to a hundredth",
}


def place(output: str, index: Sequence[int]) -> str:
    """`x_bar[0]`; a scalar, or an output as a whole, by its name alone."""
    return output + (f"[{', '.join(map(str, index))}]" if index else "")


def label(of: Label) -> str:
    """A hard point by its name, a trace by its schedule, any other sample by its kind and by what it was made with."""
    chosen = ", ".join(f"{name}={value}" for name, value in of.chosen)
    match of.kind:
        case "hard" | "drawn" if of.name:
            return SCHEDULES.get(of.name, of.name)
        case "sized":
            return f"numbers of {chosen}"
        case "witness":
            return f"witness of {chosen}"
        case "packed":
            return "witnesses side by side"
        case "plain":
            return "plain numbers"
    return f"drawn, {chosen}"
