"""Optimizers drawn at random whose truth is known: a reading, written in one of its arrangements, and what was done to it.

Nothing here is taken from the reference: the formulas are written anew, each with the forms that people give them. Around one
may stand a wrapper, in it a slip, and one of its averages may be stored in float32. Equal seeds draw equal boxes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class Wrapper(Enum):
    """What stands around an optimizer."""

    NONE = "none"
    MEAN = "a step every few calls, with the mean of the gradients"
    SUM = "a step every few calls, with their sum"
    CLIP_VALUE = "gradients clipped by value"
    CLIP_NORM = "gradients clipped by their norm"
    FACTOR = "a factor on the rate"
    LATE = "the rate of the call before"


class Fault(Enum):
    """What a slip does to an expression."""

    FACTOR = "a relative error in it"
    SIGN = "its sign"
    FORGOTTEN = "it is forgotten"


@dataclass(frozen=True)
class Slip:
    """A ``fault`` at one of the named sites of a box; ``size`` is that of a relative error."""

    site: str
    fault: Fault
    size: float = 0.0


@dataclass(frozen=True)
class Truth:
    """What a box is: the id of a line, options on axes (the others are standard), what it takes by the line's names, each with
    its own name and value, and what was done to it. ``stored``: the part of the state that is stored in float32; ``weights``:
    the format in which the weights are stored, where that has fewer digits than the float32 in which it computes."""

    line: str
    reading: Mapping[str, str]
    arguments: Mapping[str, tuple[str, float]]
    wrapper: Wrapper = Wrapper.NONE
    slip: Slip | None = None
    stored: str = ""
    weights: str = ""

    @property
    def is_a_reading(self) -> bool:
        return self.kind == "reading"

    @property
    def kind(self) -> str:
        """What was done to it, in a word."""
        if self.slip is not None:
            return "slip"
        return "wrapper" if self.wrapper is not Wrapper.NONE else "stored" if self.stored else "reading"


@dataclass(frozen=True)
class Box:
    source: str
    truth: Truth

    @property
    def make(self) -> Callable[..., Any]:
        scope: dict[str, Any] = {}
        exec(self.source, scope)
        return scope["make"]


# --- the pen: one expression in one of its forms --------------------------------------------------------------------


@dataclass
class Pen:
    """Writes expressions, each form drawn; the sites of a slip are those that it passed, each with what stands there if it is
    forgotten ("" where it cannot be)."""

    draw: random.Random
    slip: Slip | None = None
    stored: str = ""
    sites: dict[str, str] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)

    def site(self, name: str, expression: str, forgotten: str = "") -> str:
        self.sites[name] = forgotten
        if self.slip is None or self.slip.site != name:
            return expression
        if self.slip.fault is Fault.FORGOTTEN:
            return forgotten
        return f"(-({expression}))" if self.slip.fault is Fault.SIGN else f"(({expression}) * {1 + self.slip.size!r})"

    def product(self, *factors: str) -> str:
        return " * ".join(self.draw.sample(factors, len(factors)))

    def quotient(self, over: str, under: str, factor: str = "") -> str:
        """``factor`` times a quotient."""
        if not factor:
            return self.draw.choice([f"({over}) / ({under})", f"({over}) * (1 / ({under}))"])
        return self.draw.choice(
            [
                f"{factor} * ({over}) / ({under})",
                f"{factor} * (({over}) / ({under}))",
                f"({over}) / (({under}) / ({factor}))",
                f"({over}) * ({factor} / ({under}))",
            ]
        )

    def square(self, x: str) -> str:
        return self.draw.choice([f"({x}) * ({x})", f"({x}) ** 2", f"np.square({x})"])

    def root(self, x: str) -> str:
        return self.draw.choice([f"np.sqrt({x})", f"({x}) ** 0.5"])

    def average(self, name: str, term: str, keep: str, start: str) -> Iterator[str]:
        """Statements after which the variable ``name`` is the running average ``self.name``; ``start`` is "zero", "one" or
        "first-gradient"."""
        part = self.site(f"the part of {name} that comes in", f"(1 - {keep})", "1.0")
        scaled = start == "zero" and not self.stored and self.draw.random() < 0.15
        self.begun.append(f"self.{name} = np.{'ones' if start == 'one' else 'zeros'}_like(weights)")
        old = f"self.{name}"
        if scaled:
            yield f"{old} = {keep} * {old} + {term}"
            yield f"{name} = {part} * {old}"
            return
        untouched = part == f"(1 - {keep})"
        forms = [f"{keep} * {old} + {part} * ({term})", f"{part} * ({term}) + {old} * {keep}"]
        if untouched:
            forms += [
                f"{old} + {part} * (({term}) - {old})",
                f"({term}) + {keep} * ({old} - ({term}))",
                f"{keep} * {old} + (({term}) - {keep} * ({term}))",
                f"{old} - {part} * {old} + {part} * ({term})",
            ]
        new = self.draw.choice(forms)
        yield f"new = {new}"
        if start == "first-gradient":
            yield f"new = np.where(self.t == 1, {term}, new)"
        yield from self.kept(name, "new")

    def kept(self, name: str, new: str) -> Iterator[str]:
        """Statements that put a part of the state away and take it out again."""
        if self.stored != name:
            yield f"self.{name} = {new}"
            yield f"{name} = self.{name}"
            return
        yield f"self.{name} = np.asarray({new}, np.float32)"
        yield f"{name} = self.{name}.astype(np.float64)"

    def complement(self, beta: str, t: str) -> str:
        """1 - β^t."""
        forms = [f"(1 - {beta} ** {t})", f"(1.0 - np.power({beta}, {t}))", f"-np.expm1({t} * np.log({beta}))"]
        return self.draw.choice(forms)

    def moved(self, decay: str, step: str) -> Iterator[str]:
        """The weights less a step that the rate is in, with decay beside it."""
        wd = self.site("the decay", "wd", "0.0") if decay.startswith("decoupled") else ""
        step = self.site("the step", step)
        shrink = f"lr * {wd}" if decay != "decoupled-unscaled" else wd
        if decay in ("decoupled", "decoupled-unscaled"):
            forms = [
                [f"self.w = self.w * (1 - {shrink})", f"self.w = self.w - ({step})"],
                [f"self.w = self.w - (({step}) + {shrink} * self.w)"],
                [f"before = self.w * ({shrink})", f"self.w = self.w - ({step}) - before"],
            ]
            yield from self.draw.choice(forms)
            return
        yield self.draw.choice(
            [f"self.w = self.w - ({step})", f"self.w = self.w + -({step})", f"self.w = np.subtract(self.w, {step})"]
        )
        if decay == "decoupled-after":
            yield self.draw.choice([f"self.w = self.w * (1 - {shrink})", f"self.w = self.w - {shrink} * self.w"])

    def penalised(self, decay: str) -> Iterator[str]:
        if decay == "l2":
            wd = self.site("the decay", "wd", "0.0")
            yield self.draw.choice([f"g = g + {wd} * self.w", f"g = {wd} * self.w + g"])

    def eps(self, name: str = "eps") -> str:
        return self.site("ε", name, "0.0")


Reading = Mapping[str, str]


# --- the formulas ---------------------------------------------------------------------------------------------------


def _correction(pen: Pen, rule: str) -> tuple[str, str]:
    """What the first and the second moment are divided by; "" for nothing."""
    both = {
        "complement-of-power": lambda b: pen.complement(b, "self.t"),
        "power-of-complement": lambda b: f"(1 - {b}) ** self.t",
        "complement": lambda b: f"(1 - {b})",
        "count-from-two": lambda b: pen.complement(b, "(self.t + 1)"),
        "none": lambda b: "",
    }
    first, second = {"first-only": ("complement-of-power", "none"), "second-only": ("none", "complement-of-power")}.get(
        rule, (rule, rule)
    )
    divisors = both[first]("b1"), both[second]("b2")
    return (
        pen.site("the correction of V", divisors[0], "1.0") if divisors[0] else "",
        pen.site("the correction of S", divisors[1], "1.0") if divisors[1] else "",
    )


def _over(pen: Pen, x: str, divisor: str) -> str:
    return pen.quotient(x, divisor) if divisor else x


def _rooted(pen: Pen, x: str, place: str) -> str:
    if place == "inside-root":
        return pen.root(f"{x} + {pen.eps()}")
    if place == "inside-and-outside":
        return f"{pen.root(f'{x} + eps_root')} + {pen.eps()}"
    return f"{pen.root(x)} + {pen.eps()}"


def _moments(pen: Pen, o: Reading) -> Iterator[str]:
    """Adam, AdamW, NAdam, AMSGrad."""
    if o["rate"] == "over-root-count":
        yield pen.draw.choice(["lr = lr / np.sqrt(self.t)", "lr = lr * self.t ** -0.5"])
    yield from pen.penalised(o["decay"])
    first = list(pen.average("V", "g", "b1", o["first_start"]))
    second = list(pen.average("S", pen.square("g"), "b2", o["second_start"]))
    yield from (line for lines in pen.draw.sample([first, second], 2) for line in lines)
    c1, c2 = _correction(pen, o["correction"])
    direction = _over(pen, "V", c1)
    if o["lookahead"] == "nadam":
        ahead = _correction(Pen(pen.draw), o["correction"])[0].replace("self.t", "(self.t + 1)")
        direction = f"({_over(pen, 'b1 * V', ahead)}) + ({_over(pen, '(1 - b1) * g', c1)})"
    yield f"direction = {direction}"
    used, divisor = "S", c2
    if o["maximum"] != "none":
        pen.begun.append("self.peak = np.zeros_like(weights)")
        largest = "S" if o["maximum"] == "before-correction" else f"({_over(pen, 'S', c2)})"
        yield pen.draw.choice(
            [
                f"self.peak = np.maximum(self.peak, {largest})",
                f"self.peak = np.where(self.peak > {largest}, self.peak, {largest})",
            ]
        )
        used, divisor = "self.peak", c2 if o["maximum"] == "before-correction" else ""
    if o["epsilon_order"] == "before-correction" and divisor:
        yield f"denominator = {pen.quotient(_rooted(pen, used, o['epsilon']), f'np.sqrt({divisor})')}"
    else:
        corrected = f"({_over(pen, used, divisor)})"
        yield f"denominator = {_rooted(pen, corrected, o['epsilon'])}"
    yield from pen.moved(o["decay"], pen.quotient("direction", "denominator", "lr"))


def _sgd(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.moved(o["decay"], pen.product("lr", "g"))


def _momentum(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    inside = o["rate"] == "inside-buffer"
    whole = pen.product("lr", "g") if inside else "g"
    part = {"sum": whole, "dampened": f"(1 - damp) * {whole}", "average": f"(1 - b) * {whole}"}[o["accumulation"]]
    if o["accumulation"] == "average":
        yield from pen.average("V", whole, "b", o["start"])
    else:
        pen.begun.append("self.V = np.zeros_like(weights)")
        part = pen.site("what comes in", part)
        yield f"new = {pen.draw.choice([f'b * self.V + {part}', f'{part} + self.V * b'])}"
        if o["start"] == "first-gradient":
            yield f"new = np.where(self.t == 1, {whole}, new)"
        yield from pen.kept("V", "new")
    step = "V" if o["nesterov"] == "none" else f"({part} + b * V)"
    yield from pen.moved(o["decay"], step if inside else pen.product("lr", step))


def _rmsprop(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.average("S", pen.square("g"), "b", o["start"])
    divisor = pen.complement("b", "self.t") if o["debias"] != "none" else ""
    spread = f"({_over(pen, 'S', divisor)})"
    if o["centered"] == "yes":
        yield from pen.average("G", "g", "b", "zero")
        spread = f"({spread} - {pen.square(_over(pen, 'G', divisor))})"
    yield f"quotient = {pen.quotient('g', _rooted(pen, spread, o['epsilon']))}"
    if o["momentum"] == "none":
        yield from pen.moved(o["decay"], pen.product("lr", "quotient"))
        return
    pen.begun.append("self.B = np.zeros_like(weights)")
    part = "lr * quotient" if o["momentum"] == "inside-buffer" else "quotient"
    yield f"new = mom * self.B + {pen.site('what comes in', part)}"
    yield from pen.kept("B", "new")
    step = "B" if o["nesterov"] == "none" else f"({part} + mom * B)"
    yield from pen.moved(o["decay"], step if o["momentum"] == "inside-buffer" else pen.product("lr", step))


def _adagrad(pen: Pen, o: Reading) -> Iterator[str]:
    if o["rate"] == "over-root-count":
        yield "lr = lr / np.sqrt(self.t)"
    if o["rate"] == "inverse-time":
        yield pen.draw.choice(["lr = lr / (1 + (self.t - 1) * rd)", "lr = lr / (1 + rd * self.t - rd)"])
    yield from pen.penalised(o["decay"])
    start = {"zero": "0.0", "one": "1.0", "initial-scale": "s0"}[o["start"]]
    pen.begun.append(f"self.S = np.zeros_like(weights) + {start}")
    yield f"new = self.S + {pen.site('what comes in', pen.square('g'))}"
    yield from pen.kept("S", "new")
    yield from pen.moved(o["decay"], pen.quotient("g", _rooted(pen, "S", o["epsilon"]), "lr"))


def _adadelta(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.average("S", pen.square("g"), "b", o["start"])
    pen.begun.append("self.D = np.zeros_like(weights)")
    yield f"delta = ({_rooted(pen, 'self.D', o['epsilon'])}) * g / ({_rooted(pen, 'S', o['epsilon'])})"
    yield "self.D = b * self.D + (1 - b) * delta**2"
    yield from pen.moved(o["decay"], pen.product("lr", "delta"))


def _adamax(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.average("V", "g", "b1", o["start"])
    pen.begun.append("self.u = np.zeros_like(weights)")
    size = f"np.abs(g) + {pen.eps()}" if o["epsilon"] == "beside-gradient" else "np.abs(g)"
    yield f"new = np.maximum(b2 * self.u, {size})"
    yield from pen.kept("u", "new")
    divisor = pen.site("the correction of V", pen.complement("b1", "self.t"), "1.0") if o["debias"] != "none" else ""
    under = f"u + {pen.eps()}" if o["epsilon"] == "beside-maximum" else "u"
    yield f"direction = {_over(pen, 'V', divisor)}"
    yield from pen.moved(o["decay"], pen.quotient("direction", under, "lr"))


def _adabelief(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.average("V", "g", "b1", "zero")
    pen.begun.append("self.S = np.zeros_like(weights)")
    against = "V"
    if o["belief"] == "former":
        pen.begun.append("self.former = np.zeros_like(weights)")
        against = "former"
        yield "former, self.former = self.former, V"
    term = pen.site("the part of S that comes in", "(1 - b2)", "1.0")
    stored = f" + {pen.eps()}" if o["epsilon"] == "stored-and-outside" else ""
    yield f"new = b2 * self.S + {term} * ({pen.square(f'g - {against}')}){stored}"
    yield from pen.kept("S", "new")
    c1, c2 = _correction(pen, o["correction"])
    yield f"direction = {_over(pen, 'V', c1)}"
    under = _rooted(pen, f"({_over(pen, 'S', c2)})", "outside-root")
    yield from pen.moved(o["decay"], pen.quotient("direction", under, "lr"))


def _yogi(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.average("V", "g", "b1", o["first_start"])
    pen.begun.append(f"self.S = np.zeros_like(weights) + {'1e-6' if o['second_start'] == 'millionth' else '1.0'}")
    term = pen.site("the part of S that comes in", "(1 - b2)", "1.0")
    yield f"square = {pen.square('g')}"
    yield f"new = self.S - {pen.product(term, 'np.sign(self.S - square)', 'square')}"
    yield from pen.kept("S", "new")
    c1, c2 = _correction(pen, o["correction"])
    yield f"direction = {_over(pen, 'V', c1)}"
    if o["epsilon_order"] == "before-correction" and c2:
        yield f"denominator = {pen.quotient(_rooted(pen, 'S', o['epsilon']), f'np.sqrt({c2})')}"
    else:
        corrected = f"({_over(pen, 'S', c2)})"
        yield f"denominator = {_rooted(pen, corrected, o['epsilon'])}"
    yield from pen.moved(o["decay"], pen.quotient("direction", "denominator", "lr"))


def _lion(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    part = pen.site("the part of the direction that comes in", "(1 - b1)", "1.0")
    pen.begun.append("self.former = np.zeros_like(weights)")
    yield f"direction = np.sign({pen.draw.choice([f'b1 * self.former + {part} * g', f'{part} * g + b1 * self.former'])})"
    yield from pen.average("M", "g", "b2", "zero")
    yield "self.former = M"
    yield from pen.moved(o["decay"], pen.product("lr", "direction"))


def _qhm(pen: Pen, o: Reading) -> Iterator[str]:
    yield from pen.penalised(o["decay"])
    yield from pen.average("V", "g", "b", o["start"])
    ahead = pen.draw.choice(["(1 - nu) * g + nu * V", "g + nu * (V - g)", "g - nu * g + nu * V"])
    yield f"direction = {pen.site('the direction', ahead)}"
    yield from pen.moved(o["decay"], pen.product("lr", "direction"))


# --- what is drawn of each ------------------------------------------------------------------------------------------

DECAYS = ("none", "l2", "decoupled")
ALL_DECAYS = (*DECAYS, "decoupled-unscaled", "decoupled-after")
STARTS = ("zero", "first-gradient", "one")


@dataclass(frozen=True)
class Line:
    """A formula: how it is ``written``, the options on each axis, the usual one first, and its arguments: the name in formulas
    here -> the line's name, the names that people give it, and the values that they give it."""

    id: str
    written: Callable[[Pen, Reading], Iterator[str]]
    axes: Mapping[str, Sequence[str]]
    arguments: Mapping[str, str]
    states: Sequence[str] = ()

    def takes(self, short: str, o: Reading) -> bool:
        return _NEEDED_BY.get(short, lambda o: True)(o)


_NEEDED_BY: dict[str, Callable[[Reading], bool]] = {
    "wd": lambda o: o["decay"] != "none",
    "eps": lambda o: o.get("epsilon") != "none",
    "eps_root": lambda o: o["epsilon"] == "inside-and-outside",
    "damp": lambda o: o["accumulation"] == "dampened",
    "mom": lambda o: o["momentum"] != "none",
    "s0": lambda o: o["start"] == "initial-scale",
    "rd": lambda o: o["rate"] == "inverse-time",
}
_CALLED: dict[str, tuple[str, ...]] = {
    "b1": ("beta1", "b1", "beta_1"),
    "b2": ("beta2", "b2", "beta_2"),
    "eps": ("eps", "epsilon"),
    "eps_root": ("eps_root",),
    "wd": ("weight_decay", "wd"),
    "b": ("beta",),
    "damp": ("dampening",),
    "mom": ("momentum",),
    "s0": ("initial_scale", "initial_accumulator_value"),
    "rd": ("rate_decay", "lr_decay"),
    "nu": ("nu",),
}
_VALUES: dict[str, tuple[float, ...]] = {
    "b1": (0.9, 0.8, 0.95),
    "b2": (0.999, 0.99, 0.98),
    "eps": (1e-8, 1e-6, 1e-7),
    "eps_root": (1e-8, 1e-6),
    "wd": (0.01, 0.1),
    "b": (0.9, 0.99),
    "damp": (0.1, 0.5),
    "mom": (0.9, 0.5),
    "s0": (0.1, 1.0),
    "rd": (0.01,),
    "nu": (0.7, 0.5),
}
_ADAMS = {"b1": "beta1", "b2": "beta2", "eps": "eps", "wd": "weight_decay"}
_CORRECTIONS = ("complement-of-power", "none", "first-only", "second-only", "complement", "count-from-two")

LINES = (
    Line(
        "optimizer.adam",
        _moments,
        {
            "correction": (*_CORRECTIONS, "power-of-complement"),
            "epsilon": ("outside-root", "inside-root", "inside-and-outside"),
            "epsilon_order": ("after-correction", "before-correction"),
            "decay": ALL_DECAYS,
            "lookahead": ("none", "nadam"),
            "maximum": ("none", "before-correction", "after-correction"),
            "rate": ("as-given", "over-root-count"),
            "first_start": STARTS[:2],
            "second_start": STARTS,
        },
        {**_ADAMS, "eps_root": "eps_root"},
        ("V", "S"),
    ),
    Line("optimizer.sgd", _sgd, {"decay": ALL_DECAYS}, {"wd": "weight_decay"}),
    Line(
        "optimizer.momentum",
        _momentum,
        {
            "accumulation": ("sum", "average", "dampened"),
            "start": STARTS[:2],
            "rate": ("outside", "inside-buffer"),
            "nesterov": ("none", "lookahead"),
            "decay": DECAYS,
        },
        {"b": "beta", "damp": "dampening", "wd": "weight_decay"},
        ("V",),
    ),
    Line(
        "optimizer.rmsprop",
        _rmsprop,
        {
            "epsilon": ("inside-root", "outside-root"),
            "start": STARTS,
            "centered": ("no", "yes"),
            "momentum": ("none", "outside", "inside-buffer"),
            "nesterov": ("none", "lookahead"),
            "debias": ("none", "complement-of-power"),
            "decay": DECAYS,
        },
        {"b": "beta", "eps": "eps", "mom": "momentum", "wd": "weight_decay"},
        ("S",),
    ),
    Line(
        "optimizer.adagrad",
        _adagrad,
        {
            "epsilon": ("outside-root", "inside-root"),
            "start": ("zero", "initial-scale", "one"),
            "rate": ("as-given", "over-root-count", "inverse-time"),
            "decay": DECAYS,
        },
        {"eps": "eps", "s0": "initial_scale", "wd": "weight_decay", "rd": "rate_decay"},
        ("S",),
    ),
    Line(
        "optimizer.adadelta",
        _adadelta,
        {"epsilon": ("inside-root", "outside-root"), "start": STARTS, "decay": DECAYS},
        {"b": "rho", "eps": "eps", "wd": "weight_decay"},
        ("S",),
    ),
    Line(
        "optimizer.adamax",
        _adamax,
        {
            "epsilon": ("beside-gradient", "beside-maximum"),
            "debias": ("complement-of-power", "none"),
            "decay": DECAYS,
            "start": STARTS[:2],
        },
        _ADAMS,
        ("V", "u"),
    ),
    Line(
        "optimizer.adabelief",
        _adabelief,
        {
            "correction": _CORRECTIONS,
            "epsilon": ("stored-and-outside", "outside-root"),
            "belief": ("present", "former"),
            "decay": DECAYS,
        },
        _ADAMS,
        ("V", "S"),
    ),
    Line(
        "optimizer.yogi",
        _yogi,
        {
            "correction": _CORRECTIONS,
            "epsilon": ("outside-root", "inside-root"),
            "epsilon_order": ("after-correction", "before-correction"),
            "decay": DECAYS,
            "first_start": ("zero",),
            "second_start": ("millionth", "one"),
        },
        _ADAMS,
        ("V", "S"),
    ),
    Line("optimizer.lion", _lion, {"decay": ("decoupled", "none", "l2")}, {k: _ADAMS[k] for k in ("b1", "b2", "wd")}, ("M",)),
    Line(
        "optimizer.qhm",
        _qhm,
        {"decay": DECAYS, "start": STARTS[:2]},
        {"b": "beta", "nu": "nu", "wd": "weight_decay"},
        ("V",),
    ),
)
_WEIGHTS = {"optimizer.adam": 8, "optimizer.momentum": 4, "optimizer.rmsprop": 4}

# --- the whole ------------------------------------------------------------------------------------------------------

HEAD = """import numpy as np


class make:
    def __init__(self, weights{taken}):
        self.w, self.t = np.array(weights), 0
        self.h = {kept}
{begun}

    def step(self, g, lr):
        self.t += 1
        {unpacked}
"""
_WRAPPED = {
    Wrapper.MEAN: "self.sum = getattr(self, 'sum', 0) + g\nself.calls = getattr(self, 'calls', 0) + 1\n"
    "if self.calls % {k}:\n    return self.w.copy()\ng, self.sum = self.sum / {k}, 0",
    Wrapper.SUM: "self.sum = getattr(self, 'sum', 0) + g\nself.calls = getattr(self, 'calls', 0) + 1\n"
    "if self.calls % {k}:\n    return self.w.copy()\ng, self.sum = self.sum, 0",
    Wrapper.CLIP_VALUE: "g = np.clip(g, -{c}, {c})",
    Wrapper.CLIP_NORM: "g = g * np.minimum(1.0, {c} / (np.sqrt(np.sum(g * g)) + 1e-6))",
    Wrapper.FACTOR: "lr = lr * {f}",
    Wrapper.LATE: "lr, self.lr = getattr(self, 'lr', 0.0), lr",
}


def drawn(seed: int) -> Box:
    """The box of a seed: half of them are a reading and nothing else."""
    draw = random.Random(f"box {seed}")
    one = draw.choices(LINES, [_WEIGHTS.get(line.id, 1) for line in LINES])[0]
    reading = _reading(draw, one)
    shorts = [short for short in one.arguments if one.takes(short, reading)]
    names = {short: (draw.choice(_CALLED[short]), draw.choice(_VALUES[short])) for short in shorts}
    truth = Truth(one.id, reading, {one.arguments[short]: names[short] for short in shorts})
    kind = draw.choices(("reading", "slip", "wrapper", "stored"), (5, 3, 1.5, 1 if one.states else 0))[0]
    if kind == "stored":
        truth = replace(truth, stored=draw.choice(one.states))
    elif kind == "wrapper":
        truth = replace(truth, wrapper=draw.choice([wrapper for wrapper in Wrapper if wrapper is not Wrapper.NONE]))
    elif kind == "slip":
        pen = Pen(random.Random(seed))
        list(one.written(pen, reading))
        truth = replace(truth, slip=_slip(draw, pen.sites))
    return Box(_source(one, truth, names, seed), truth)


_IN_FEW_DIGITS = """
import ml_dtypes

stored = np.dtype(getattr(ml_dtypes, {weights!r}, {weights!r}))


class wide(make):
    pass


class make(wide):
    def __init__(self, weights{taken}):
        super().__init__(np.asarray(weights, np.float32){handed})
        self.kept = np.asarray(weights, stored)

    def step(self, g, lr):
        self.w = self.kept.astype(np.float32)
        super().step(np.asarray(g, np.float32), lr)
        self.kept = self.w.astype(stored)
        return self.kept.copy()
"""


def drawn_in_few_digits(seed: int) -> Box:
    """A box that stores its weights in bfloat16 or float16, of those that are a reading or far from it: a slip that is no
    larger than their rounding would be none."""
    draw, n = random.Random(f"narrow {seed}"), 0
    while True:
        box, n = drawn(10_000 * (seed + 1) + n), n + 1
        gross = box.truth.slip is not None and box.truth.slip.fault is not Fault.FACTOR
        if box.truth.kind == "reading" or gross:
            break
    truth = replace(box.truth, weights=draw.choice(("bfloat16", "float16")))
    given = list(truth.arguments.values())
    taken = "".join(f", {name}={value!r}" for name, value in given)
    source = _IN_FEW_DIGITS.format(weights=truth.weights, taken=taken, handed="".join(f", {name}" for name, _ in given))
    return Box(box.source + source, truth)


def _reading(draw: random.Random, one: Line) -> dict[str, str]:
    """The usual option on most axes; what does nothing without another is only drawn with it."""
    o = {axis: options[0] if draw.random() < 0.65 else draw.choice(options) for axis, options in one.axes.items()}
    if o.get("momentum") == "none":
        o["nesterov"] = "none"
    if o.get("lookahead") == "nadam":  # others have no lookahead that everybody would write
        o["correction"] = "complement-of-power"
    if o.get("maximum") == "after-correction":
        o["epsilon_order"] = "after-correction"
    return o


def _slip(draw: random.Random, sites: Mapping[str, str]) -> Slip:
    site = draw.choice(list(sites))
    faults = [Fault.FACTOR, Fault.FACTOR, Fault.SIGN, *[Fault.FORGOTTEN] * bool(sites[site])]
    fault = draw.choice(faults)
    size = draw.choice((-1, 1)) * 10 ** draw.uniform(-10, -2) if fault is Fault.FACTOR else 0.0
    return Slip(site, fault, size)


def _source(one: Line, truth: Truth, names: Mapping[str, tuple[str, float]], seed: int) -> str:
    pen = Pen(random.Random(seed), truth.slip, truth.stored)
    body = list(one.written(pen, truth.reading))
    draw = random.Random(f"wrapper {seed}")
    numbers = {"k": draw.choice((2, 3, 4)), "c": draw.choice((0.5, 1.0)), "f": draw.choice((0.5, 2.0, 0.1))}
    wrapped = _WRAPPED.get(truth.wrapper, "").format(**numbers).splitlines()
    counted = HEAD
    if wrapped:  # a call that makes no step is not counted
        counted = HEAD.replace("        self.t += 1\n", "".join(f"        {line}\n" for line in [*wrapped, "self.t += 1"]))
    shorts = list(names)
    unpacked = f"{''.join(f'{short}, ' for short in shorts)}= self.h" if shorts else "pass"
    head = counted.format(
        taken="".join(f", {name}={value!r}" for name, value in names.values()),
        kept=f"({''.join(f'{name}, ' for name, _ in names.values())})",
        begun="\n".join(f"        {line}" for line in [unpacked, *pen.begun]),
        unpacked=unpacked,
    )
    start = "        with np.errstate(all='ignore'):\n"
    return head + start + "".join(f"            {line}\n" for line in body) + "        return self.w.copy()\n"
