"""How many answers on boxes drawn at random are true, open and false, and how many known readings are named.

python benchmarks/false_statements.py [COUNT [FIRST_SEED]]
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter

from _table import show
from gradspec.tests.boxes_at_random import drawn
from gradspec.tests.truths import Judged, Judgement, judged

COUNT = 300


def main(count: int = COUNT, first: int = 0) -> None:
    warnings.simplefilter("ignore")
    found: dict[int, Judged] = {}
    for seed in range(first, first + count):
        found[seed] = one = judged(drawn(seed))
        if one.judgement is Judgement.FALSE or (not one.named and drawn(seed).truth.is_a_reading):
            _tell(seed, one)
    kinds = {seed: drawn(seed).truth.kind for seed in found}
    counts = Counter((kinds[seed], one.judgement) for seed, one in found.items())
    rows = [(kind, *(str(counts[kind, one]) for one in Judgement)) for kind in sorted(set(kinds.values()))]
    show("Answers on boxes drawn at random", ("kind", *(one.value for one in Judgement)), rows)
    known = [one.named for seed, one in found.items() if drawn(seed).truth.is_a_reading]
    print(f"named: {sum(known)} of {len(known)} known readings")


def _tell(seed: int, one: Judged) -> None:
    box = drawn(seed)
    answer = "" if one.answer is None else f"{one.answer!r} {one.answer.reading} {one.answer.stored or ''}"
    print(
        f"--- seed {seed}: {one.judgement.value}: {'; '.join(one.reasons) or 'not named'}\ntruth: {box.truth}\nanswer: {answer}"
    )
    print(box.source, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
