"""Telling apart the candidates that still fit: the trace is sought that splits them best, and the box is asked once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...arithmetic.steps import Steps, parting
from ...inputs.strategies import draw
from .experiments import SETTINGS, Arguments, drawn, experiment, schedules
from .playing import Experiment, Played, Player
from .prediction import fits, steps
from .space import Candidate, Space

ROUNDS = 12  # traces that the box is asked for at most
PROPOSALS = 6  # random traces among which the one that splits best is chosen, beside the fixed ones
COMPARED = 12  # candidates whose predictions are compared when a trace is chosen; more are left to the next round


@dataclass(frozen=True)
class Outcome:
    """The candidates that hold everything played in the end."""

    left: list[Candidate]
    played: list[Played]


def separate(player: Player, chosen: Arguments, space: Space, candidates: Sequence[Candidate], seed: int) -> Outcome:
    """Ask the box for the traces that split the candidates best, until none is found that splits them or one is left."""
    left, played = list(candidates), []
    for round_ in range(ROUNDS):
        if len(left) < 2:
            break
        trace = best_split(player, chosen, space, left, seed + round_)
        if trace is None:
            break
        played.append(player.play(trace))
        left = [candidate for candidate in left if fits(space, candidate, played[-1:], player.dtype)]
    return Outcome(left, played)


def best_split(
    player: Player, chosen: Arguments, space: Space, candidates: Sequence[Candidate], seed: int
) -> Experiment | None:
    """Of fixed and drawn traces the one on which the candidates fall into most classes; None if they never part."""
    found, most = None, 1
    for proposal in proposals(player, chosen, seed):
        count = len(classes([steps(space, c, proposal, player.dtype) for c in candidates[:COMPARED]]))
        if count > most:
            found, most = proposal, count
        if most == min(len(candidates), COMPARED):
            break
    return found


def proposals(player: Player, chosen: Arguments, seed: int) -> list[Experiment]:
    box, dtype = player.box, player.dtype
    fixed = [experiment(box, chosen, dtype, setting, schedule) for setting in SETTINGS for schedule in schedules(box)[-1:]]
    return [*fixed, *draw(drawn(box, chosen, dtype), PROPOSALS, f"separate {space_name(box.name)} {dtype}", seed)]


def space_name(name: str) -> str:
    """A name without what a file's path or an address in memory would add, so that draws repeat."""
    return name.rpartition("/")[2].partition(" at 0x")[0]


def classes(predictions: Sequence[Steps]) -> list[list[int]]:
    """The predictions grouped so that each parts from the first of every other group."""
    groups: list[list[int]] = []
    for i, prediction in enumerate(predictions):
        home = next((g for g in groups if parting(prediction, predictions[g[0]]) is None), None)
        if home is None:
            groups.append([i])
        else:
            home.append(i)
    return groups
