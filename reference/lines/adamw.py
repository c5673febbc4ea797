"""Beyond the sheet: AdamW, Adam with weight decay beside the gradient. The paper's rate does not multiply the decay."""

from __future__ import annotations

from ..pieces.moments import MIRRORED, UNBIASED_FIRST, UNBIASED_SECOND, line_of_moments
from ..pieces.properties import ELEMENTWISE
from ..vocabulary import Erratum

adamw = line_of_moments(
    id="optimizer.adamw",
    title="AdamW",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad "
    r"W=W-\left(\alpha\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}+\lambda W\right)",
    standard_latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad "
    r"W=W-\alpha\left(\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}+\lambda W\right)",
    printed={"decay": "decoupled-unscaled"},
    standard={"decay": "decoupled"},
    defining={
        "decay": ("decoupled", "decoupled-unscaled", "decoupled-relative", "decoupled-after", "decoupled-after-unscaled")
    },
    errata=(Erratum("decay", "Does the rate multiply the weight decay? Do the weights decay less when the rate falls?"),),
    source="Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2, https://arxiv.org/abs/1711.05101",
    notes="Algorithm 2 has W - η(αV̂/(√Ŝ+ε) + λW) with a schedule η beside α; here η is 1. Libraries have one rate for both, "
    "which is the paper's form with λ/α in the place of λ as long as α stays the same.",
    properties=(ELEMENTWISE, MIRRORED, UNBIASED_FIRST, UNBIASED_SECOND),
)
