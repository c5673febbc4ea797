"""How many answers on boxes drawn at random are true, open and false, and how many known readings are named.

python benchmarks/false_statements.py [COUNT [FIRST_SEED]]
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter

from _table import show
from gradspec.tests.boxes_at_random import Box, drawn, drawn_in_few_digits
from gradspec.tests.truths import Judged, Judgement, judged, judged_in_few_digits

COUNT = 300
FEW = 5  # of so many boxes there is one of few digits


def main(count: int = COUNT, first: int = 0) -> None:
    warnings.simplefilter("ignore")
    of_many = (drawn(seed) for seed in range(first, first + count))
    of_few = (drawn_in_few_digits(seed) for seed in range(first, first + count // FEW))
    found = [_asked(box, judged(box)) for box in of_many]
    found += [_asked(box, judged_in_few_digits(box)) for box in of_few]
    counts = Counter((_kind(box), one.judgement) for box, one in found)
    rows = [(kind, *(str(counts[kind, one]) for one in Judgement)) for kind in sorted({_kind(box) for box, _ in found})]
    show("Answers on boxes drawn at random", ("kind", *(one.value for one in Judgement)), rows)
    known = [one.named for box, one in found if box.truth.is_a_reading]
    print(f"named: {sum(known)} of {len(known)} known readings")


def _kind(box: Box) -> str:
    return f"{box.truth.kind}, {box.truth.weights}" if box.truth.weights else box.truth.kind


def _asked(box: Box, one: Judged) -> tuple[Box, Judged]:
    """The box and what its answer is worth; told if that is false, or if a known reading is not named."""
    if one.judgement is Judgement.FALSE or (not one.named and box.truth.is_a_reading):
        _tell(box, one)
    return box, one


def _tell(box: Box, one: Judged) -> None:
    answer = "" if one.answer is None else f"{one.answer!r} {one.answer.reading} {one.answer.stored or ''}"
    print(f"--- {one.judgement.value}: {'; '.join(one.reasons) or 'not named'}\ntruth: {box.truth}\nanswer: {answer}")
    print(box.source, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
