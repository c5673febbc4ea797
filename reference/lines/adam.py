"""Line 41: Adam. The printed bias correction divides by (1-β)^t and keeps the quotient; the field's divides a copy by 1-β^t."""

from __future__ import annotations

from ..pieces.moments import MIRRORED, UNBIASED_FIRST, UNBIASED_SECOND, line_of_moments
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..studies.adam import AVERAGE, PATH
from ..vocabulary import Erratum

adam = line_of_moments(
    id="optimizer.adam",
    number=41,
    title="Adam",
    latex=r"V=\frac{\beta_1V+(1-\beta_1)\frac{\partial\mathcal L}{\partial w}}{(1-\beta_1)^t},\quad "
    r"S=\frac{\beta_2S+(1-\beta_2)\left(\frac{\partial\mathcal L}{\partial w}\right)^2}{(1-\beta_2)^t},\quad "
    r"W=W-\alpha\frac{V}{\sqrt S+\epsilon}",
    standard_latex=r"V=\beta_1V+(1-\beta_1)\frac{\partial\mathcal L}{\partial w},\quad "
    r"S=\beta_2S+(1-\beta_2)\left(\frac{\partial\mathcal L}{\partial w}\right)^2,\quad "
    r"W=W-\alpha\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}",
    printed={"correction": "power-of-complement", "stored": "quotient"},
    standard={"correction": "complement-of-power", "stored": "average"},
    errata=(
        Erratum(
            "correction",
            "Is the average of a constant gradient, once divided, that gradient at every t? Does the next step start from it?",
            "Kingma & Ba 2015, section 3: E[V] = E[g]·(1-β1^t)",
        ),
        Erratum("stored", "Is the quotient averaged on, or only used?"),
        Erratum("epsilon", "Is ε added to the root or under it?"),
        Erratum("epsilon_order", "Is ε added before or after the bias is corrected?"),
    ),
    source="Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1",
    notes="The sheet's transcription has W = W⁻ ∝ V/(√S+ε); the ∝ is α, a slip. With several axes changed at once, a lookahead "
    "takes the place of the corrected V, and its products are corrected in the manner of the correction axis.",
    studies=(AVERAGE, PATH),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, MIRRORED, UNBIASED_FIRST, UNBIASED_SECOND),
)
