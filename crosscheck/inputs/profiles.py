"""How much effort a run makes: quick, standard, thorough."""

from __future__ import annotations

from dataclasses import dataclass

from ...reference.arguments import ArgumentError, suggest


@dataclass(frozen=True)
class Profile:
    """``examples`` or ``traces`` drawn for each line and dtype beside the hard points; ``exact`` of them are measured against
    truth; a framework that compiles anew for each shape is shown ``shapes`` shape buckets of a line."""

    name: str
    examples: int
    traces: int
    exact: int
    shapes: int


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", examples=6, traces=1, exact=3, shapes=1),
        Profile("standard", examples=12, traces=1, exact=4, shapes=1),
        Profile("thorough", examples=150, traces=30, exact=24, shapes=99),
    )
}


def profile(name: str) -> Profile:
    """The profile of that name; ArgumentError names the known ones."""
    if name not in PROFILES:
        raise ArgumentError(f"unknown profile {name!r}.{suggest(name, PROFILES)}")
    return PROFILES[name]
