"""Stand-alone scripts of JAX and optax: what reproduces a finding with nothing but the framework."""

from __future__ import annotations

from ...contract import MapProgram, Program, TraceProgram, assigned, called


def map_script(program: MapProgram) -> str:
    arrays = {name: f"jnp.array({numbers}, dtype=jnp.{program.dtype})" for name, numbers in program.arrays.items()}
    return _PULL_BACK.format(
        assignments=assigned({**arrays, **program.settings}),
        cotangent=f"jnp.array({program.cotangent}, dtype=jnp.{program.dtype})",
        arrays=", ".join(arrays),
        expression=program.expression,
        wrt=", ".join(program.wrt),
        bars=", ".join(f"{name}_bar" for name in program.wrt),
        output=program.output,
        **_decorated(program),
    )


def native_script(program: TraceProgram) -> str:
    template = _EXAMPLE_STEPS if "optimizers." in program.expression else _OPTAX_STEPS
    return template.format(hyper=assigned(program.hyper), expression=program.expression, **_of_trace(program))


def printed_script(program: TraceProgram) -> str:
    return _UPDATES.format(
        hyper=called("dict", program.hyper),
        options=called("SimpleNamespace", program.options),
        start=program.start,
        update=program.update,
        **_of_trace(program),
    )


def _of_trace(program: TraceProgram) -> dict[str, str]:
    numbers = {name: getattr(program, name) for name in ("dtype", "weights", "gradients", "rates")}
    return {**numbers, **_decorated(program)}


def _decorated(program: Program) -> dict[str, str]:
    return {"decorator": "@jax.jit\n" if program.mode == "jit" else ""}


# As in the campaign, rates are an argument of a compiled step, and hyperparameters of an optimizer are constants in it.

_PULL_BACK = """\
{assignments}cotangent = {cotangent}


{decorator}def value_and_cotangents(cotangent, {arrays}):
    def function({wrt}):
        return {expression}

    value, vjp = jax.vjp(function, {wrt})
    return value, *vjp(cotangent)


value, {bars} = value_and_cotangents(cotangent, {arrays})
observed = {output}.ravel().tolist()
"""

_OPTAX_STEPS = """\
{hyper}rates = jnp.array({rates}, dtype=jnp.{dtype})
gradients = jnp.array({gradients}, dtype=jnp.{dtype})
w = jnp.array({weights}, dtype=jnp.{dtype})


def optimizer(rates):
    def rate(count):
        return rates[count]

    return {expression}


{decorator}def step(gradient, w, state, rates):
    updates, state = optimizer(rates).update(gradient, state, w)
    return optax.apply_updates(w, updates), state


state = optimizer(rates).init(w)
weights = []
for gradient in gradients:
    w, state = step(gradient, w, state, rates)
    weights.append(w)
observed = jnp.stack(weights).ravel().tolist()
"""

_EXAMPLE_STEPS = """\
{hyper}rates = jnp.array({rates}, dtype=jnp.{dtype})
gradients = jnp.array({gradients}, dtype=jnp.{dtype})
w = jnp.array({weights}, dtype=jnp.{dtype})


def optimizer(rates):
    def rate(count):
        return rates[count]

    return {expression}


{decorator}def step(t, gradient, state, rates):
    return optimizer(rates).update_fn(t, gradient, state)


state = optimizer(rates).init_fn(w)
weights = []
for t, gradient in enumerate(gradients):
    state = step(t, gradient, state, rates)
    weights.append(optimizer(rates).params_fn(state))
observed = jnp.stack(weights).ravel().tolist()
"""

_UPDATES = """\
hyper = {hyper}
o = {options}
rates = {rates}
gradients = [jnp.array(row, dtype=jnp.{dtype}) for row in {gradients}]
w = jnp.array({weights}, dtype=jnp.{dtype})


{decorator}def run(w, gradients, rates, hyper):
    h = SimpleNamespace(**hyper)
    state = {start}(w, h, o)
    weights = []
    for rate, gradient in zip(rates, gradients):
        w, state = {update}(w, gradient, state, rate, h, o)
        weights.append(w)
    return weights


observed = jnp.stack(run(w, gradients, rates, hyper)).ravel().tolist()
"""
