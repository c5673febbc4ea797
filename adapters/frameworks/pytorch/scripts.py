"""Stand-alone scripts that do with nothing but torch what a program says."""

from __future__ import annotations

from ...contract import MapProgram, TraceProgram, assigned, called, imported, spelled


def map_script(program: MapProgram) -> str:
    leaves = "" if program.mode == "func" else ", requires_grad=True"
    arrays = {
        name: f"torch.tensor({numbers}, dtype=torch.{program.dtype}{leaves if name in program.wrt else ''})"
        for name, numbers in program.arrays.items()
    }
    reverse = _FUNC if program.mode == "func" else _GRAPH
    return _over_torch(program.imports, program.definitions) + reverse.format(
        assignments=assigned({**arrays, **program.settings}),
        cotangent=f"torch.tensor({program.cotangent}, dtype=torch.{program.dtype})",
        expression=program.expression,
        wrt=", ".join(program.wrt),
        bars=f"({program.wrt[0]}_bar,)" if len(program.wrt) == 1 else ", ".join(f"{name}_bar" for name in program.wrt),
        unused=", allow_unused=True, materialize_grads=True" if len(program.wrt) > 1 else "",
        output=program.output,
    )


def native_script(program: TraceProgram) -> str:
    return "import torch\n\n" + _STEPS.format(hyper=assigned(program.hyper), **_of_trace(program))


def printed_script(program: TraceProgram) -> str:
    hyper, options = called("SimpleNamespace", program.hyper), called("SimpleNamespace", program.options)
    steps = _UPDATES.format(hyper=hyper, options=options, **_of_trace(program))
    return _over_torch((*program.imports, "from types import SimpleNamespace"), program.definitions) + steps


def _over_torch(imports: tuple[str, ...], definitions: str) -> str:
    return imported(imports) + "import torch\n" + spelled(definitions, "torch") + "\n"


def _of_trace(program: TraceProgram) -> dict[str, str]:
    names = ("dtype", "weights", "gradients", "rates", "expression", "start", "update")
    return {name: getattr(program, name) for name in names}


_GRAPH = """\
{assignments}cotangent = {cotangent}

value = {expression}
{bars} = torch.autograd.grad(value, [{wrt}], cotangent{unused})
observed = {output}.flatten().tolist()
"""

_FUNC = """\
{assignments}cotangent = {cotangent}


def function({wrt}):
    return {expression}


value, vjp = torch.func.vjp(function, {wrt})
{bars} = vjp(cotangent)
observed = {output}.flatten().tolist()
"""

_STEPS = """\
{hyper}rates = {rates}
gradients = torch.tensor({gradients}, dtype=torch.{dtype})
parameter = torch.tensor({weights}, dtype=torch.{dtype})

w, rate = [parameter], rates[0]
optimizer = {expression}
weights = []
for rate, gradient in zip(rates, gradients):
    optimizer.param_groups[0]["lr"] = rate
    parameter.grad = gradient.clone()
    optimizer.step()
    weights.append(parameter.clone())
observed = torch.stack(weights).flatten().tolist()
"""

_UPDATES = """\
h = {hyper}
o = {options}
rates = {rates}
gradients = torch.tensor({gradients}, dtype=torch.{dtype})
w = torch.tensor({weights}, dtype=torch.{dtype})

state = {start}(w, h, o)
weights = []
for rate, gradient in zip(rates, gradients):
    w, state = {update}(w, gradient, state, rate, h, o)
    weights.append(w)
observed = torch.stack(weights).flatten().tolist()
"""
