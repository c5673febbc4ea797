"""Beyond the sheet: NAdam, Adam with Nesterov's lookahead. Libraries differ from the paper in what the schedule enters."""

from __future__ import annotations

from ..pieces.moments import MIRRORED, UNBIASED_SECOND, line_of_moments
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..vocabulary import Erratum

nadam = line_of_moments(
    id="optimizer.nadam",
    title="NAdam",
    latex=r"V=\mu_tV+(1-\mu_t)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad "
    r"\hat V=\frac{\mu_{t+1}V}{1-\prod_{i=1}^{t+1}\mu_i}+\frac{(1-\mu_t)g}{1-\prod_{i=1}^t\mu_i},\quad "
    r"W=W-\alpha\frac{\hat V}{\sqrt{\beta_2S/(1-\beta_2^t)}+\epsilon}",
    standard_latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad "
    r"\hat V=\frac{\mu_{t+1}V}{1-\prod_{i=1}^{t+1}\mu_i}+\frac{(1-\mu_t)g}{1-\prod_{i=1}^t\mu_i},\quad "
    r"W=W-\alpha\frac{\hat V}{\sqrt{S/(1-\beta_2^t)}+\epsilon}",
    printed={"lookahead": "nadam-published", "second": "times-beta2"},
    standard={"lookahead": "nadam-schedule", "second": "as-kept"},
    defining={"lookahead": ("nadam", "nadam-averaged", "nadam-schedule", "nadam-steep-schedule", "nadam-published")},
    errata=(
        Erratum(
            "lookahead",
            "Is the average itself taken with the scheduled μ or with β1?",
        ),
        Erratum(
            "second",
            "Is S multiplied by β2 once more where it is used?",
            "optax's scale_by_adam on that factor: 'It is unclear why. Other Nadam implementations also omit' it",
        ),
    ),
    source="Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2, "
    "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
    notes="The schedule is μ_t = β1(1 - ½·0.96^(tψ)), ψ = 1/250 in Dozat's report; at a late step it is β1.",
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, MIRRORED, UNBIASED_SECOND),
)
