"""What torch ships for the optimizer lines: each optimizer in its three forms, with the reading it is claimed to have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ...contract import Limitation, Native
from .sources import DOCS

# On the CPU torch's default is the loop over parameters; it is named so that an accelerator runs the same form.
_FORMS = {"": "foreach=False", ".foreach": "foreach=True", ".fused": "fused=True"}


@dataclass(frozen=True)
class _Row:
    """An optimizer, written once for its three forms; ``arguments`` are what follows the rate."""

    line: str
    name: str
    arguments: str
    takes: tuple[str, ...] = ()
    claim: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    dtypes: tuple[str, ...] = ()
    limits: str = ""

    @property
    def kind(self) -> str:
        return self.name.partition(".")[0]

    def natives(self) -> Iterator[Native]:
        for suffix, form in _FORMS.items():
            yield Native(
                line=self.line,
                name=f"optim.{self.name}{suffix}",
                expression=f"torch.optim.{self.kind}({', '.join(filter(None, ('w, lr=rate', self.arguments, form)))})",
                claim=self.claim,
                source=DOCS + f"torch.optim.{self.kind}.html",
                takes=self.takes,
                notes=self.notes,
                dtypes=self.dtypes,
                limits=self.limits,
                known=(_FUSED_SGD,) if (self.kind, suffix) == ("SGD", ".fused") else (),
            )


# Fixed after torch 2.13: https://github.com/pytorch/pytorch/pull/192545
_FUSED_SGD = Limitation(
    "defect",
    "on the CPU, fused SGD leaves half-precision elements that fill a SIMD block as they are",
    "https://github.com/pytorch/pytorch/issues/191763",
    dtypes=("bfloat16", "float16"),
)
_STARTS = "The buffer starts as the first gradient, undampened."
_BETAS, _BETAS_TAKES = "betas=(beta1, beta2), eps=eps", ("beta1", "beta2", "eps")
_DECAYED, _DECAYED_TAKES = f"{_BETAS}, weight_decay=weight_decay", (*_BETAS_TAKES, "weight_decay")
_NADAM, _NADAM_TAKES = f"{_BETAS}, momentum_decay=momentum_decay", (*_BETAS_TAKES, "momentum_decay")
_STANDARD = {"correction": "complement-of-power", "stored": "average"}
# of NAdam's lines: what the paper does beside its lookahead, and no library
_AS_KEPT = {"second": "as-kept"}
_BESIDE = {"epsilon": "beside-gradient"}
_RECTIFIED = {"threshold": "five", "epsilon_order": "before-correction"}
_NARROW_PRODUCT = (
    "The product of the scheduled momenta (state mu_product) is held in the default dtype, which is float32: float64 weights "
    "are then good to 1e-8 only."
)
_RATE_FIRST = "With foreach=True the rate multiplies g before the root divides it: in float16 the product may underflow."
_PEAK = "The largest S is kept as it is and corrected when it is used: https://github.com/pytorch/pytorch/issues/142323"

_ROWS = (
    _Row("optimizer.sgd", "SGD", ""),
    _Row("optimizer.momentum", "SGD.momentum", "momentum=beta", ("beta",), {"accumulation": "sum"}),
    _Row(
        "optimizer.momentum",
        "SGD.dampening",
        "momentum=beta, dampening=dampening",
        ("beta", "dampening"),
        {"accumulation": "dampened", "start": "first-gradient"},
        notes=_STARTS,
    ),
    _Row(
        "optimizer.momentum",
        "SGD.average",
        "momentum=beta, dampening=beta",
        ("beta",),
        {"accumulation": "average", "start": "first-gradient"},
        notes=f"The nearest that torch has to the print. {_STARTS}",
    ),
    _Row(
        "optimizer.momentum",
        "SGD.nesterov",
        "momentum=beta, nesterov=True",
        ("beta",),
        {"accumulation": "sum", "nesterov": "lookahead"},
    ),
    _Row("optimizer.rmsprop", "RMSprop", "alpha=beta, eps=eps", ("beta", "eps"), {"epsilon": "outside-root"}),
    _Row(
        "optimizer.rmsprop",
        "RMSprop.centered",
        "alpha=beta, eps=eps, centered=True",
        ("beta", "eps"),
        {"epsilon": "outside-root", "centered": "yes"},
        notes="S - G² is not guarded: rounding can make it negative and the weights NaN.",
    ),
    _Row(
        "optimizer.rmsprop",
        "RMSprop.momentum",
        "alpha=beta, eps=eps, momentum=momentum",
        ("beta", "eps", "momentum"),
        {"epsilon": "outside-root", "momentum": "outside"},
    ),
    _Row("optimizer.adam", "Adam", _BETAS, _BETAS_TAKES, _STANDARD),
    _Row(
        "optimizer.adam",
        "Adam.l2",
        _DECAYED,
        _DECAYED_TAKES,
        {**_STANDARD, "decay": "l2"},
        notes="Adam's weight_decay is added to the gradient; AdamW's is not.",
    ),
    _Row("optimizer.adam", "AdamW", _DECAYED, _DECAYED_TAKES, {**_STANDARD, "decay": "decoupled"}),
    _Row(
        "optimizer.adam",
        "NAdam",
        _NADAM,
        _NADAM_TAKES,
        {**_STANDARD, "lookahead": "nadam-schedule"},
        notes=_NARROW_PRODUCT,
    ),
    _Row("optimizer.adamw", "AdamW", _DECAYED, _DECAYED_TAKES, {"decay": "decoupled"}),
    _Row(
        "optimizer.adamw",
        "Adam.decoupled",
        f"{_DECAYED}, decoupled_weight_decay=True",
        _DECAYED_TAKES,
        {"decay": "decoupled"},
        notes="What AdamW is a subclass for.",
    ),
    _Row("optimizer.nadam", "NAdam", _NADAM, _NADAM_TAKES, {**_AS_KEPT, "lookahead": "nadam-schedule"}, notes=_NARROW_PRODUCT),
    _Row(
        "optimizer.nadam",
        "NAdam.momentum_decay=inf",
        f'{_BETAS}, momentum_decay=float("inf")',
        _BETAS_TAKES,
        {**_AS_KEPT, "lookahead": "nadam"},
        notes=f"The power of 0.96 is 0, and the scheduled momentum β1 from the first step on. {_NARROW_PRODUCT}",
        dtypes=("float64",),
        limits="NAdam rounds the weights between the two parts of a step, which this reading takes off at once",
    ),
    _Row(
        "optimizer.nadam",
        "NAdam.momentum_decay=1",
        f"{_BETAS}, momentum_decay=1.0",
        _BETAS_TAKES,
        {**_AS_KEPT, "lookahead": "nadam-steep-schedule"},
        notes=f"The schedule of keras.optimizers.Nadam. {_NARROW_PRODUCT}",
    ),
    _Row(
        "optimizer.nadam",
        "NAdam.l2",
        f"{_NADAM}, weight_decay=weight_decay",
        (*_NADAM_TAKES, "weight_decay"),
        {**_AS_KEPT, "lookahead": "nadam-schedule", "decay": "l2"},
        notes=_NARROW_PRODUCT,
    ),
    _Row(
        "optimizer.nadam",
        "NAdam.decoupled",
        f"{_NADAM}, weight_decay=weight_decay, decoupled_weight_decay=True",
        (*_NADAM_TAKES, "weight_decay"),
        {**_AS_KEPT, "lookahead": "nadam-schedule", "decay": "decoupled"},
        notes=_NARROW_PRODUCT,
    ),
    _Row("optimizer.amsgrad", "Adam.amsgrad", f"{_BETAS}, amsgrad=True", _BETAS_TAKES, _STANDARD, notes=_PEAK),
    _Row(
        "optimizer.amsgrad",
        "AdamW.amsgrad",
        f"{_DECAYED}, amsgrad=True",
        _DECAYED_TAKES,
        {**_STANDARD, "decay": "decoupled"},
        notes=_PEAK,
    ),
    _Row("optimizer.adagrad", "Adagrad", "eps=eps", ("eps",), notes=_RATE_FIRST),
    _Row(
        "optimizer.adagrad",
        "Adagrad.initial_accumulator_value",
        "eps=eps, initial_accumulator_value=initial_scale",
        ("eps", "initial_scale"),
        {"start": "initial-scale"},
        notes=_RATE_FIRST,
    ),
    _Row(
        "optimizer.adagrad",
        "Adagrad.lr_decay",
        "eps=eps, lr_decay=rate_decay",
        ("eps", "rate_decay"),
        {"rate": "inverse-time"},
        notes=_RATE_FIRST,
    ),
    _Row(
        "optimizer.adagrad",
        "Adagrad.l2",
        "eps=eps, weight_decay=weight_decay",
        ("eps", "weight_decay"),
        {"decay": "l2"},
        notes=_RATE_FIRST,
    ),
    _Row("optimizer.adamax", "Adamax", _BETAS, _BETAS_TAKES, _BESIDE),
    _Row("optimizer.adamax", "Adamax.l2", _DECAYED, _DECAYED_TAKES, {**_BESIDE, "decay": "l2"}),
    _Row("optimizer.adadelta", "Adadelta", "rho=rho, eps=eps", ("rho", "eps")),
    _Row(
        "optimizer.adadelta",
        "Adadelta.l2",
        "rho=rho, eps=eps, weight_decay=weight_decay",
        ("rho", "eps", "weight_decay"),
        {"decay": "l2"},
    ),
    _Row("optimizer.radam", "RAdam", _BETAS, _BETAS_TAKES, _RECTIFIED),
    _Row("optimizer.radam", "RAdam.l2", _DECAYED, _DECAYED_TAKES, {**_RECTIFIED, "decay": "l2"}),
    _Row(
        "optimizer.radam",
        "RAdam.decoupled",
        f"{_DECAYED}, decoupled_weight_decay=True",
        _DECAYED_TAKES,
        {**_RECTIFIED, "decay": "decoupled"},
    ),
)

OPTIMIZERS = tuple(native for row in _ROWS for native in row.natives())
