"""Beyond the sheet: AMSGrad, Adam over the largest second moment so far. Libraries correct the bias, the paper does not."""

from __future__ import annotations

from ..pieces.moments import MIRRORED, UNBIASED_FIRST, UNBIASED_SECOND, line_of_moments
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..vocabulary import Erratum

amsgrad = line_of_moments(
    id="optimizer.amsgrad",
    title="AMSGrad",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad \hat S=\max(\hat S,S),\quad "
    r"W=W-\alpha\frac{V}{\sqrt{\hat S}+\epsilon}",
    standard_latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad \hat S=\max(\hat S,S),\quad "
    r"W=W-\alpha\frac{V/(1-\beta_1^t)}{\sqrt{\hat S/(1-\beta_2^t)}+\epsilon}",
    printed={"correction": "none", "maximum": "before-correction"},
    standard={"correction": "complement-of-power", "maximum": "before-correction"},
    defining={"maximum": ("before-correction", "after-correction")},
    errata=(
        Erratum("correction", "Are the averages corrected for their start at zero, as in Adam?"),
        Erratum("maximum", "Is the maximum taken of what is corrected, or corrected after it is taken?"),
    ),
    source="Reddi, Kale & Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2, "
    "https://openreview.net/forum?id=ryQu7f-RZ",
    notes="The paper has no ε (ε = 0), any course of the rate in the algorithm, and α/√t in the theorem's corollary. "
    "Without a correction it makes no difference when the maximum is taken.",
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, MIRRORED, UNBIASED_FIRST, UNBIASED_SECOND),
)
