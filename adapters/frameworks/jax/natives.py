"""What JAX and optax ship for the lines of the sheet, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...contract import Native

DOCS = "https://docs.jax.dev/en/latest/_autosummary/"
EXAMPLES = "https://docs.jax.dev/en/latest/jax.example_libraries.optimizers.html"
OPTAX = "https://optax.readthedocs.io/en/latest/api/"
OPTIMIZERS, TRANSFORMATIONS, LOSSES = (f"{OPTAX}{page}.html" for page in ("optimizers", "transformations", "losses"))


# --- maps ---------------------------------------------------------------------------------------------------------

_PAIR = {"sizes": {"n": 2}, "limits": "takes exactly two operands"}
_COUNTED = (
    "Where an input is NaN, the eager gradient is NaN for every input, since the flow is divided by a count of 0; "
    "the compiled one is 0."
)


def _extremum_natives(word: str) -> Iterator[Native]:
    """The ways to ask JAX for the ``word`` ("max" or "min") of a vector: they part in whom a tie's flow goes to."""
    line = f"scalar.{word}"
    split = {"ties": "split"}
    yield Native(line, f"jnp.{word}", f"jnp.{word}(x)", split, f"{DOCS}jax.numpy.{word}.html", notes=_COUNTED)
    yield Native(
        line,
        f"lax.reduce_{word}",
        f"jax.lax.reduce_{word}(x, axes=(0,))",
        split,
        f"{DOCS}jax.lax.reduce_{word}.html",
        notes=_COUNTED,
    )
    yield Native(
        line,
        f"jnp.{word}imum",
        f"jnp.{word}imum(x[0], x[1])",
        split,
        f"{DOCS}jax.numpy.{word}imum.html",
        **_PAIR,
        notes="Where an operand is NaN, neither gets any flow.",
    )
    yield Native(
        line,
        "jnp.sort",
        f"jnp.sort(x)[{-1 if word == 'max' else 0}]",
        {"ties": "last"} if word == "max" else {"ties": "first", "nan": "ignore"},
        f"{DOCS}jax.numpy.sort.html",
        notes="Stable by default. NaN sorts last: it is the maximum, and it is ignored by the minimum.",
    )
    yield Native(
        line,
        f"jnp.arg{word}",
        f"x[jnp.arg{word}(x)]",
        {"ties": "first"},
        f"{DOCS}jax.numpy.arg{word}.html",
        notes="NaN is the extremum: its first one is found.",
    )
    yield Native(
        line,
        f"jnp.f{word}",
        f"jnp.f{word}(x[0], x[1])",
        {"ties": "last", "nan": "ignore"},
        f"{DOCS}jax.numpy.f{word}.html",
        **_PAIR,
    )


_SIGMOIDS = {
    "jax.nn.sigmoid": f"{DOCS}jax.nn.sigmoid.html",
    "jax.scipy.special.expit": f"{DOCS}jax.scipy.special.expit.html",
    "jax.lax.logistic": f"{DOCS}jax.lax.logistic.html",
}
_ONE_OUTPUT = "(w.T @ x)[0, 0] + b"


def _sigmoid_natives() -> Iterator[Native]:
    for name, source in _SIGMOIDS.items():
        yield Native("scalar.sigmoid", name.removeprefix("jax."), f"{name}(x)", {}, source)
    for line, argument in (("logistic.y_hat", "z"), ("mlp2.A", "Z"), ("graph.neuron", _ONE_OUTPUT)):
        yield Native(line, "nn.sigmoid", f"jax.nn.sigmoid({argument})", {}, _SIGMOIDS["jax.nn.sigmoid"])


def _cross_entropy_natives() -> Iterator[Native]:
    yield Native(
        "logistic.grad_z",
        "nn.log_sigmoid",
        "y * jax.nn.log_sigmoid(z) + (1 - y) * jax.nn.log_sigmoid(-z)",
        {"path": "logit"},
        f"{DOCS}jax.nn.log_sigmoid.html",
        notes="Value and gradient keep their precision in both tails.",
    )
    for line, z in (("logistic.grad_z", "z"), ("logistic.grad_w", _ONE_OUTPUT), ("logistic.grad_b", _ONE_OUTPUT)):
        yield Native(
            line,
            "optax.sigmoid_binary_cross_entropy",
            f"optax.sigmoid_binary_cross_entropy({z}, y)",
            {"sign": "minus", "path": "logit"},
            LOSSES,
            notes="Elementwise. At z = inf, y = 1 the value is NaN (0 times infinity).",
        )


def _activations(relu: str) -> str:
    return f'{{"sigmoid": jax.nn.sigmoid, "relu": {relu}, "tanh": jnp.tanh, "identity": jax.nn.identity}}[g](Z)'


def _activation_natives() -> Iterator[Native]:
    """The activations under their own names; and once with ReLU as a maximum, which splits the flow at the kink."""
    own, relu = _activations("jax.nn.relu"), f"{DOCS}jax.nn.relu.html"
    for line, expression in (("mlp.A", own), ("mlp.delta_last", own), ("mlp.delta", f"W_next @ {own} + b_next")):
        yield Native(line, "nn", expression, {}, relu, notes="relu'(0) = 0")
    yield Native(
        "mlp.A",
        "jnp.maximum",
        _activations("(lambda Z: jnp.maximum(Z, 0))"),
        {"kink": "half"},
        f"{DOCS}jax.numpy.maximum.html",
    )


def _squared_error_natives() -> Iterator[Native]:
    """optax's two squared errors are elementwise: their normaliser is what the user puts behind them."""
    for line in ("mlp2.loss", "mlp2.grad_y_hat"):
        for loss, factor in (("squared_error", {}), ("l2_loss", {"factor": "half"})):
            for reduction, normaliser in (("mean", "elements"), ("sum", "one")):
                yield Native(
                    line,
                    f"optax.{loss}.{reduction}",
                    f"optax.{loss}(y_hat, y).{reduction}()",
                    {"normaliser": normaliser, **factor},
                    LOSSES,
                )


_MAPS = (
    Native("scalar.sum", "jnp.sum", "jnp.sum(x)", {}, f"{DOCS}jax.numpy.sum.html"),
    Native(
        "scalar.prod",
        "jnp.prod",
        "jnp.prod(x)",
        {"zero": "product-of-others"},
        f"{DOCS}jax.numpy.prod.html",
        notes="Under differentiation the value, too, is formed as a tree: it may overflow where the plain value does not.",
    ),
    *_extremum_natives("max"),
    *_extremum_natives("min"),
    *_sigmoid_natives(),
    *_cross_entropy_natives(),
    *_squared_error_natives(),
    *_activation_natives(),
)


# --- optimizers ---------------------------------------------------------------------------------------------------

_RATE = "optax.scale_by_learning_rate(rate)"
_BETAS = "b1=beta1, b2=beta2"
_ADAM = ("beta1", "beta2", "eps")
_STANDARD = {"correction": "complement-of-power", "stored": "average"}
# of NAdam's lines: what the paper does beside its lookahead, and no library
_AS_KEPT = {"second": "as-kept"}
_SUM = {"accumulation": "sum"}
_OUTSIDE, _INSIDE = {"epsilon": "outside-root"}, {"momentum": "inside-buffer"}
_POWERS = "Without 64-bit types 1-β^t is formed in float32, whatever the weights' dtype."
_RATE_INSIDE = "The rate is inside of the buffer: it matters where the rate changes."


def _row(
    line: str,
    name: str,
    expression: str,
    takes: tuple[str, ...] = (),
    claim: Mapping[str, str] | None = None,
    source: str = OPTIMIZERS,
    notes: str = "",
) -> Native:
    return Native(f"optimizer.{line}", name, expression, claim or {}, source, takes=takes, notes=notes)


def _momentum_natives() -> Iterator[Native]:
    beta = ("beta",)
    yield _row("momentum", "optax.sgd.momentum", "optax.sgd(rate, momentum=beta)", beta, _SUM)
    ahead = {**_SUM, "nesterov": "lookahead"}
    yield _row("momentum", "optax.sgd.nesterov", "optax.sgd(rate, momentum=beta, nesterov=True)", beta, ahead)
    yield _row("momentum", "optax.trace", f"optax.chain(optax.trace(decay=beta), {_RATE})", beta, _SUM, TRANSFORMATIONS)
    yield _row(
        "momentum",
        "optax.trace.inside",
        f"optax.chain({_RATE}, optax.trace(decay=beta))",
        beta,
        {**_SUM, "rate": "inside-buffer"},
        TRANSFORMATIONS,
        notes=_RATE_INSIDE,
    )
    for name, argument, claim in (
        ("optax.ema.debias=False", ", debias=False", {}),
        ("optax.ema", "", {"debias": "complement-of-power"}),
    ):
        expression = f"optax.chain(optax.ema(beta{argument}), {_RATE})"
        yield _row("momentum", name, expression, beta, claim, TRANSFORMATIONS, notes="" if argument else _POWERS)
    yield _row("momentum", "example_libraries.momentum", "optimizers.momentum(rate, mass=beta)", beta, _SUM, EXAMPLES)
    yield _row("momentum", "example_libraries.nesterov", "optimizers.nesterov(rate, mass=beta)", beta, ahead, EXAMPLES)


def _rmsprop_natives() -> Iterator[Native]:
    plain, buffered = ("beta", "eps"), ("beta", "eps", "momentum")
    for name, arguments, takes, claim, notes in (
        ("", "", plain, {}, ""),
        (".eps_in_sqrt=False", ", eps_in_sqrt=False", plain, _OUTSIDE, ""),
        (
            ".initial_scale",
            ", initial_scale=initial_scale",
            (*plain, "initial_scale"),
            {"start": "initial-scale"},
            "",
        ),
        (".centered", ", centered=True", plain, {"centered": "yes"}, "S - G² can come out negative: the step is then NaN."),
        (".momentum", ", momentum=momentum", buffered, _INSIDE, _RATE_INSIDE),
    ):
        expression = f"optax.rmsprop(rate, decay=beta, eps=eps{arguments})"
        yield _row("rmsprop", f"optax.rmsprop{name}", expression, takes, claim, notes=notes)
    yield _row(
        "rmsprop",
        "optax.scale_by_rms.trace",
        f"optax.chain(optax.scale_by_rms(decay=beta, eps=eps, eps_in_sqrt=False), optax.trace(decay=momentum), {_RATE})",
        buffered,
        {**_OUTSIDE, "momentum": "outside"},
        TRANSFORMATIONS,
        notes="What torch.optim.RMSprop does with momentum.",
    )
    yield _row("rmsprop", "example_libraries.rmsprop", "optimizers.rmsprop(rate, gamma=beta, eps=eps)", plain, source=EXAMPLES)
    yield _row(
        "rmsprop",
        "example_libraries.rmsprop_momentum",
        "optimizers.rmsprop_momentum(rate, gamma=beta, eps=eps, momentum=momentum)",
        buffered,
        _INSIDE,
        EXAMPLES,
        notes=_RATE_INSIDE,
    )


def _adam_natives() -> Iterator[Native]:
    decayed = (*_ADAM, "weight_decay")
    decay = f"{_BETAS}, eps=eps, weight_decay=weight_decay"
    adam = f"optax.adam(rate, {_BETAS}, eps=eps)"
    for name, expression, takes, claim in (
        ("adam", adam, _ADAM, {}),
        ("adam.eps_root", f"optax.adam(rate, {_BETAS}, eps=0.0, eps_root=eps)", _ADAM, {"epsilon": "inside-root"}),
        ("adam.l2", f"optax.chain(optax.add_decayed_weights(weight_decay), {adam})", decayed, {"decay": "l2"}),
        ("adamw", f"optax.adamw(rate, {decay})", decayed, {"decay": "decoupled"}),
        ("nadam", f"optax.nadam(rate, {_BETAS}, eps=eps)", _ADAM, {"lookahead": "nadam"}),
        ("nadamw", f"optax.nadamw(rate, {decay})", decayed, {"lookahead": "nadam", "decay": "decoupled"}),
    ):
        yield _row("adam", f"optax.{name}", expression, takes, {**_STANDARD, **claim}, notes=_POWERS)
    yield _row(
        "adam",
        "example_libraries.adam",
        f"optimizers.adam(rate, {_BETAS}, eps=eps)",
        _ADAM,
        _STANDARD,
        EXAMPLES,
        notes="β^t is formed in the weights' dtype: in bfloat16 β2 = 0.999 is 1, and the weights never move.",
    )


def _adamw_natives() -> Iterator[Native]:
    decayed = (*_ADAM, "weight_decay")
    decay = f"{_BETAS}, eps=eps, weight_decay=weight_decay"
    yield _row("adamw", "optax.adamw", f"optax.adamw(rate, {decay})", decayed, {"decay": "decoupled"}, notes=_POWERS)
    yield _row(
        "adamw",
        "optax.scale_by_adam.decayed",
        f"optax.chain(optax.scale_by_adam({_BETAS}, eps=eps), {_RATE}, optax.add_decayed_weights(-weight_decay))",
        decayed,
        source=TRANSFORMATIONS,
        notes=f"The decay follows the rate, which does not multiply it then: as published. {_POWERS}",
    )


def _nadam_natives() -> Iterator[Native]:
    nadam = {**_AS_KEPT, "lookahead": "nadam"}
    yield _row("nadam", "optax.nadam", f"optax.nadam(rate, {_BETAS}, eps=eps)", _ADAM, nadam, notes=_POWERS)
    yield _row(
        "nadam",
        "optax.nadamw",
        f"optax.nadamw(rate, {_BETAS}, eps=eps, weight_decay=weight_decay)",
        (*_ADAM, "weight_decay"),
        {**nadam, "decay": "decoupled"},
        notes=_POWERS,
    )


def _amsgrad_natives() -> Iterator[Native]:
    yield _row(
        "amsgrad",
        "optax.amsgrad",
        f"optax.amsgrad(rate, {_BETAS}, eps=eps)",
        _ADAM,
        {**_STANDARD, "maximum": "after-correction"},
        notes="The maximum is taken of the corrected S, not corrected after it is taken: "
        f"https://github.com/google-deepmind/optax/issues/1389. {_POWERS}",
    )
    yield _row(
        "amsgrad",
        "optax.amsgrad.uncorrected",
        f"optax.amsgrad(rate, {_BETAS}, eps=eps, bias_correction_mu=False, bias_correction_nu=False)",
        _ADAM,
        notes="As published.",
    )
    correction = "optax.scale_by_schedule(lambda count: jnp.sqrt(1 - beta2 ** (count + 1)))"
    yield _row(
        "amsgrad",
        "optax.scale_by_amsgrad.schedule",
        f"optax.chain(optax.scale_by_amsgrad({_BETAS}, eps=eps, bias_correction_nu=False), {correction}, {_RATE})",
        _ADAM,
        {**_STANDARD, "epsilon_order": "before-correction"},
        TRANSFORMATIONS,
        notes=f"What keras.optimizers.Adam(amsgrad=True) does, and but for ε what torch does. {_POWERS}",
    )


def _adagrad_natives() -> Iterator[Native]:
    inside, scaled = {"epsilon": "inside-root"}, {"start": "initial-scale"}
    for name, arguments, takes, claim, notes in (
        ("", "initial_accumulator_value=initial_scale, eps=eps", ("eps", "initial_scale"), {**inside, **scaled}, ""),
        (".initial_accumulator_value=0", "initial_accumulator_value=0.0, eps=eps", ("eps",), inside, ""),
        (
            ".eps=0",
            "initial_accumulator_value=0.0, eps=0.0",
            (),
            {"epsilon": "none"},
            "There is no step where S is zero.",
        ),
    ):
        yield _row("adagrad", f"optax.adagrad{name}", f"optax.adagrad(rate, {arguments})", takes, claim, notes=notes)
    yield _row(
        "adagrad",
        "example_libraries.adagrad",
        "optimizers.adagrad(rate, momentum=momentum)",
        ("momentum",),
        {"epsilon": "none", "momentum": "average"},
        EXAMPLES,
        notes="Its momentum is 0.9 by default.",
    )


def _later_natives() -> Iterator[Native]:
    """Of the lines that came after Adam's own family."""
    decayed = (*_ADAM, "weight_decay")
    decay = f"{_BETAS}, eps=eps, weight_decay=weight_decay"
    plain = f"(rate, {_BETAS}, eps=eps)"
    beside, rectified = {"epsilon": "beside-gradient"}, {"threshold": "five"}
    for line, name, expression, takes, claim in (
        ("adamax", "adamax", f"optax.adamax{plain}", _ADAM, beside),
        ("adamax", "adamaxw", f"optax.adamaxw(rate, {decay})", decayed, {**beside, "decay": "decoupled"}),
        ("adadelta", "adadelta", "optax.adadelta(rate, rho=rho, eps=eps)", ("rho", "eps"), {}),
        (
            "adadelta",
            "adadelta.l2",
            "optax.adadelta(rate, rho=rho, eps=eps, weight_decay=weight_decay)",
            ("rho", "eps", "weight_decay"),
            {"decay": "l2"},
        ),
        (
            "lion",
            "lion",
            f"optax.lion(rate, {_BETAS}, weight_decay=weight_decay)",
            ("beta1", "beta2", "weight_decay"),
            {},
        ),
        ("radam", "radam", f"optax.radam{plain}", _ADAM, rectified),
        (
            "radam",
            "radam.nesterov",
            f"optax.radam(rate, {_BETAS}, eps=eps, nesterov=True)",
            _ADAM,
            {**rectified, "lookahead": "nadam"},
        ),
        (
            "adabelief",
            "adabelief",
            f"optax.adabelief(rate, {_BETAS}, eps=eps, eps_root=eps_root)",
            (*_ADAM, "eps_root"),
            {"epsilon": "two"},
        ),
        (
            "yogi",
            "yogi",
            f"optax.yogi{plain}",
            _ADAM,
            {"correction": "complement-of-power", "first_start": "millionth", "second_start": "millionth"},
        ),
    ):
        yield _row(line, f"optax.{name}", expression, takes, claim, notes="" if line in ("adadelta", "lion") else _POWERS)


_OPTIMIZERS = (
    _row("sgd", "optax.sgd", "optax.sgd(rate)"),
    _row("sgd", "example_libraries.sgd", "optimizers.sgd(rate)", source=EXAMPLES),
    *_momentum_natives(),
    *_rmsprop_natives(),
    *_adam_natives(),
    *_adamw_natives(),
    *_nadam_natives(),
    *_amsgrad_natives(),
    *_adagrad_natives(),
    *_later_natives(),
)

NATIVES = (*_MAPS, *_OPTIMIZERS)
