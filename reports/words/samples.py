"""What samples and schedules of rates are called."""

from __future__ import annotations

from ...crosscheck.findings import Label

SCHEDULES = {
    "constant": "a constant rate",
    "halving": "a rate that halves every fifth step",
    "new-every-step": "a rate that is new at every step",
    "drop": "a rate that drops to a hundredth",
}


def label(of: Label) -> str:
    """A hard point by its name, a trace by its schedule, any other sample by its kind and by what it was made with."""
    chosen = ", ".join(f"{name}={value}" for name, value in of.chosen)
    match of.kind:
        case "hard" | "drawn" if of.name:
            return SCHEDULES.get(of.name, of.name)
        case "witness":
            return f"witness of {chosen}"
        case "packed":
            return "witnesses side by side"
        case "plain":
            return "plain numbers"
    return f"drawn, {chosen}"
