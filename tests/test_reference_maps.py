"""Lines 1-37 in every arithmetic: shapes, duality of each backward line with its forward line, and the rounding model."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby, pairwise
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import sympy
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise, symbols
from gradspec.crosscheck.arithmetic.rounding import Rounding
from gradspec.crosscheck.arithmetic.tangents import Tangent, Tangents
from gradspec.reference import ArgumentError, catalogue
from gradspec.reference.formula import Map
from gradspec.reference.lines import mlp, mlp2
from gradspec.reference.namespace import Floating
from gradspec.reference.network import backpropagate
from gradspec.reference.vocabulary import Input, NotConformable, Reading, Sizes
from hypothesis import given, settings
from hypothesis import strategies as st

LINES = [line for line in catalogue().values() if line.number <= 37]
DTYPES = ("float64", "float32", "float16", "bfloat16")
FEW = settings(max_examples=6, deadline=None, derandomize=True, database=None)

# The sheet's shapes of each line's output, and of the cotangents that it prints.
PRINTED_SHAPES = {
    15: {"": (2, 3)},
    16: {"": (2, 3)},
    17: {"": (1, 3)},
    18: {"": ()},
    19: {"y_hat": (1, 3)},
    20: {"w2": (1, 2)},
    21: {"b2": (1, 1)},
    22: {"A": (2, 3)},
    23: {"Z": (2, 3)},
    24: {"W1": (2, 4)},
    25: {"b1": (2, 1)},
    32: {"Z2": (1, 3)},
    33: {"w2": (1, 2)},
    34: {"b2": (1, 1)},
    35: {"Z1": (2, 3)},
    36: {"W1": (2, 4)},
    37: {"b1": (2, 1)},
}

# Axes whose other options are not the derivative of the forward everywhere: at ties, zeros and saturation, or at all.
CONTESTED = ("ones", "expression", "ties", "kink", "zero", "guard")

each_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.id)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


# --- inputs ---------------------------------------------------------------------------------------------------------


def elements(kind: str) -> st.SearchStrategy[float]:
    """Moderate numbers that every format holds exactly."""
    low, high = {"probability": (1, 15), "unit": (0, 16)}.get(kind, (-24, 24))
    return st.integers(low, high).map(lambda i: i / 16)


@st.composite
def moderate(draw: Any, line: Map, sizes: Sizes | None = None) -> tuple[dict[str, Any], np.ndarray]:
    """Inputs of a line and a cotangent."""
    bucket = sizes or draw(st.sampled_from(line.sizes), label="sizes")
    inputs: dict[str, Any] = {
        name: draw(hnp.arrays(np.float64, spec.concrete(bucket), elements=elements(spec.values)), label=name)
        for name, spec in line.inputs.items()
    }
    chosen = {name: draw(st.sampled_from(list(options)), label=name) for name, options in line.settings.items()}
    cotangent = draw(hnp.arrays(np.float64, shape_of(line.output, bucket), elements=elements("real")), label="cotangent")
    return {**inputs, **chosen}, cotangent


def shape_of(symbolic: tuple[str | int, ...], sizes: Sizes) -> tuple[int, ...]:
    return Input(symbolic, "").concrete(sizes)


def plain(line: Map, sizes: Sizes, seed: int = 0) -> tuple[dict[str, Any], np.ndarray]:
    """One input without drawing: no zeros and no ties."""
    generator = np.random.default_rng(seed)

    def array(shape: tuple[int, ...], kind: str) -> np.ndarray:
        sixteenths = generator.permutation(np.arange(1, 16))
        sign = 1 if kind in ("probability", "unit") else generator.choice([-1, 1], shape)
        return np.asarray(np.resize(sixteenths, shape) * sign / 16)

    arrays = {name: array(spec.concrete(sizes), spec.values) for name, spec in line.inputs.items()}
    return {**arrays, **{name: next(iter(options)) for name, options in line.settings.items()}}, array(
        shape_of(line.output, sizes), ""
    )


def lifted(xp: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else xp.asarray(value) for name, value in inputs.items()}


def conformable(line: Map, reading: Reading, sizes: Sizes) -> bool:
    axes = reading.axes
    if axes.get("ones") == "identity" and sizes["h"] != sizes["n"]:
        return False
    return axes.get("bias") != "matrix-sum" or sizes["n"] == 1


def differentiable_readings(line: Map) -> list[Reading]:
    """The readings whose vjp should be the derivative of their forward: contested axes held at the standard option."""
    return list(line.readings({axis.name: axis.standard for axis in line.axes if axis.name in CONTESTED}))


def neighbours(line: Map, sizes: Sizes) -> list[Reading]:
    """The printed reading, the standard one, and those one axis away from it, as far as they have a value."""
    near = [line.standard.but(**{axis.name: option}) for axis in line.axes for option in axis.names]
    return [reading for reading in dict.fromkeys((line.printed, line.standard, *near)) if conformable(line, reading, sizes)]


# --- identity and shapes --------------------------------------------------------------------------------------------


def test_the_catalogue_has_lines_1_to_37_and_each_is_a_map():
    assert [line.number for line in LINES] == list(range(1, 38))
    assert all(isinstance(line, Map) for line in LINES)


@each_line
def test_a_lines_shapes_on_the_sheet_are_those_it_prints(line: Map):
    for name, shape in PRINTED_SHAPES.get(line.number, {}).items():
        symbolic = line.inputs[name].shape if name else line.output
        assert shape_of(symbolic, line.sheet_sizes) == shape


@each_line
def test_a_line_has_shape_buckets_beside_the_sheets_and_every_size_in_them_is_used(line: Map):
    used = {n for spec in line.inputs.values() for n in spec.shape if isinstance(n, str)}
    assert all(set(sizes) == used for sizes in line.sizes)
    assert len({tuple(sizes.items()) for sizes in line.sizes}) >= 4
    assert any(sizes["n"] == 1 for sizes in line.sizes)
    assert any(sizes["n"] != 3 for sizes in line.sizes)


@each_line
def test_what_a_body_is_handed_acts(line: Map):
    handed = [option.does for axis in line.axes for option in axis.options]
    handed += [value for options in line.settings.values() for value in options.values()]
    assert not [value for value in handed if value is None or isinstance(value, str)]


def test_an_axis_stands_once():
    axes = {axis.name: axis for line in LINES for axis in line.axes}
    assert all(axis is axes[axis.name] for line in LINES for axis in line.axes)


def test_functions_are_held_against_lines_that_are_not_made_of_others():
    recognised = {line.number for line in LINES if line.recognised}
    assert recognised == {*range(1, 6), *range(8, 15), 18, 19, 26, 27, 28}


def test_a_line_stands_under_the_heading_that_it_has_on_the_sheet():
    sections = [(section, [line.number for line in lines]) for section, lines in groupby(LINES, lambda line: line.section)]
    assert sections == [
        ("Scalar operations", [*range(1, 6)]),
        ("Computation graphs", [6, 7]),
        ("Logistic regression", [*range(8, 15)]),
        ("Two-layer network", [*range(15, 26)]),
        ("Network of any depth", [*range(26, 38)]),
    ]


@each_line
def test_errata_name_axes_and_end_in_a_question(line: Map):
    for erratum in line.errata:
        assert line.axis(erratum.axis)
        assert erratum.question.endswith("?")


@each_line
@each_dtype
def test_every_reading_runs_in_every_dtype_and_bucket_and_gives_the_declared_shapes(line: Map, dtype: str):
    xp = Floating(precision(dtype).numpy)
    for sizes in line.sizes:
        inputs, cotangent = plain(line, sizes)
        inputs, cotangent = lifted(xp, inputs), xp.asarray(cotangent)
        for reading in line.readings():
            if not conformable(line, reading, sizes):
                with pytest.raises(NotConformable):
                    line.vjp_in(xp, cotangent, inputs, reading)
                continue
            assert np.shape(line.value_in(xp, inputs, reading)) == cotangent.shape
            bars = line.vjp_in(xp, cotangent, inputs, reading)
            assert tuple(bars) == line.wrt
            for name, bar in bars.items():
                narrow = "expression" in reading.axes and reading["expression"] == "first"
                assert np.shape(bar) == inputs["W1" if narrow else name].shape
                # NumPy's matrix product of bfloat16 is float32
                assert np.asarray(bar).dtype in (np.dtype(xp.dtype), np.dtype("float32" if dtype == "bfloat16" else dtype))


@each_line
def test_hard_points_have_the_shapes_of_one_bucket_and_run(line: Map):
    for dtype in DTYPES:
        p = precision(dtype)
        xp = Floating(p.numpy)
        for point in line.hard_points(p).values():
            with np.errstate(all="ignore"):
                inputs = lifted(xp, point)
                assert set(inputs) == set(line.inputs) | set(line.settings)
                value = line.value_in(xp, inputs, line.standard)
            assert line.number <= 5 or {name: np.shape(inputs[name]) for name in line.inputs} in [
                {name: spec.concrete(sizes) for name, spec in line.inputs.items()} for sizes in line.sizes
            ]
            assert np.shape(value) is not None


# --- truth and symbols ----------------------------------------------------------------------------------------------


@each_line
@FEW
@given(data=st.data())
def test_the_backward_line_is_the_derivative_of_its_forward_line(line: Map, data: st.DataObject):
    inputs, cotangent = data.draw(moderate(line), label="inputs")
    sizes = sizes_of(line, inputs)
    direction = {name: data.draw(hnp.arrays(np.float64, inputs[name].shape, elements=elements("real"))) for name in line.wrt}
    for reading in differentiable_readings(line):
        if conformable(line, reading, sizes):
            assert are_dual(line, reading, inputs, cotangent, direction, line.vjp_in)


def sizes_of(line: Map, inputs: Mapping[str, Any]) -> dict[str, int]:
    return {
        symbol: n
        for name, spec in line.inputs.items()
        for symbol, n in zip(spec.shape, inputs[name].shape, strict=True)
        if isinstance(symbol, str)
    }


def are_dual(line: Map, reading: Reading, inputs: Any, cotangent: Any, direction: Any, vjp: Any) -> bool:
    """Whether ⟨x̄, ẋ⟩ and ⟨z̄, ż⟩ overlap in balls of 256 bits."""
    with precise() as xp:
        exact, z_bar = lifted(xp, inputs), xp.asarray(cotangent)
        x_dot = {name: xp.asarray(direction.get(name, np.zeros(spec.shape))) for name, spec in exact_arrays(exact).items()}
        dual = {name: Tangent(value, x_dot[name]) if name in x_dot else value for name, value in exact.items()}
        z_dot = line.value_in(Tangents(xp), dual, reading).tangent
        bars = vjp(xp, z_bar, exact, reading)
        left = sum(xp.sum(xp.asarray(bars[name]) * x_dot[name]) for name in bars)
        difference = left - xp.sum(z_bar * xp.asarray(z_dot))
        return bool(np.asarray(difference).reshape(-1)[0].contains(0))


def exact_arrays(inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: value for name, value in inputs.items() if not isinstance(value, str)}


def test_the_duality_check_rejects_a_gradient_wrong_in_its_sixtieth_digit():
    line = mlp2.grad_W1
    inputs, cotangent = plain(line, line.sheet_sizes)
    direction = {"W1": np.ones((2, 4))}

    def sabotaged(xp: Any, z_bar: Any, inputs: Any, reading: Reading) -> dict[str, Any]:
        bars = line.vjp_in(xp, z_bar, inputs, reading)
        return {"W1": bars["W1"] * (1 + xp.asarray(2.0**-200))}

    assert are_dual(line, line.standard, inputs, cotangent, direction, line.vjp_in)
    assert not are_dual(line, line.standard, inputs, cotangent, direction, sabotaged)


def test_the_identity_matrix_in_place_of_ones_breaks_the_duality():
    line, square = mlp2.grad_W1, mlp2.SQUARE
    inputs, cotangent = plain(line, square)
    printed = line.standard.but(ones="identity")
    assert not are_dual(line, printed, inputs, cotangent, {"W1": np.ones((2, 3))}, line.vjp_in)


@pytest.mark.parametrize("line", LINES[5:], ids=lambda line: line.id)
def test_symbols_run_the_same_bodies_and_give_the_same_numbers_as_balls(line: Map):
    sizes = next(sizes for sizes in line.sizes if conformable(line, line.printed, sizes))
    numbers, cotangent = plain(line, sizes)
    numbers = {name: value if isinstance(value, str) else np.abs(value) for name, value in numbers.items()}
    xs, values, names = symbols(), {}, {}
    for name, array in exact_arrays({**numbers, "cotangent": np.abs(cotangent)}).items():
        # positive, since the symbolic maximum takes its first argument and the kink asks for a sign
        names[name] = symbolic(name, array.shape)
        values.update({s: sympy.Rational(float(v)) for s, v in zip(names[name].flat, array.flat, strict=True)})
    for g in line.settings.get("g", ("",)):
        chosen = {"g": g} if g else {}
        for reading in (line.printed, line.standard):
            symbolic_inputs = {name: names.get(name) for name in line.inputs} | chosen
            found = [line.value_in(xs, symbolic_inputs, reading)]
            found += line.vjp_in(xs, names["cotangent"], symbolic_inputs, reading).values()
            with precise() as xp:
                exact = lifted(xp, {**numbers, **chosen})
                expected = [line.value_in(xp, exact, reading)]
                expected += line.vjp_in(xp, xp.asarray(np.abs(cotangent)), exact, reading).values()
                for expression, ball in zip(found, expected, strict=True):
                    for e, b in zip(np.asarray(expression, object).flat, np.asarray(ball, object).flat, strict=True):
                        digits = sympy.sympify(e).xreplace(values).evalf(40)
                        assert abs(float(digits - sympy.Float(b.mid().str(60, radius=False), 60))) < 1e-35


def symbolic(name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        array[index] = sympy.Symbol("_".join([name, *map(str, index)]), positive=True)
    return array


# --- the rounding model ---------------------------------------------------------------------------------------------


@each_line
@pytest.mark.parametrize("dtype", ["float64", "float16"])
@settings(FEW, max_examples=3)
@given(data=st.data())
def test_the_rounding_model_encloses_floating_point_and_truth(line: Map, dtype: str, data: st.DataObject):
    inputs, cotangent = data.draw(moderate(line), label="inputs")
    for reading in neighbours(line, sizes_of(line, inputs)):
        enclosure, observed, exact = in_three_arithmetics(line, reading, inputs, cotangent, dtype)
        for name in enclosure:
            assert enclosure[name].contains(observed[name]).all(), (name, str(reading))
            assert holds_truth(enclosure[name], exact[name]), (name, str(reading))


@each_line
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_rounding_model_encloses_floating_point_at_the_hard_points(line: Map, dtype: str):
    p = precision(dtype)
    for label, point in line.hard_points(p).items():
        with np.errstate(all="ignore"):
            inputs = lifted(Floating(p.numpy), point)
            cotangent = np.full(np.shape(line.value_in(Floating(p.numpy), inputs, line.standard)), -1.25)
            for reading in neighbours(line, sizes_of(line, inputs)):
                enclosure, observed, _ = in_three_arithmetics(line, reading, inputs, cotangent, dtype, truth=False)
                for name in enclosure:
                    assert enclosure[name].contains(observed[name]).all(), (label, name, str(reading))


def in_three_arithmetics(
    line: Map, reading: Reading, inputs: Any, cotangent: Any, dtype: str, truth: bool = True
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The value and the cotangents by name: in the rounding model, in floating point, and as balls."""
    p = precision(dtype)
    floating = Floating(p.numpy)

    def run(xp: Any) -> dict[str, Any]:
        arrays, z_bar = lifted(xp, inputs), xp.asarray(cotangent)
        found = {"": line.value_in(xp, arrays, reading), **line.vjp_in(xp, z_bar, arrays, reading)}
        return {name: xp.asarray(value) for name, value in found.items()}

    with np.errstate(all="ignore"):
        enclosure, observed = run(Rounding(p)), run(floating)
    if not truth:
        return enclosure, observed, {}
    with precise() as xp:
        return enclosure, observed, run(xp)


def holds_truth(enclosure: Any, exact: np.ndarray) -> bool:
    with precise() as xp:
        apart = np.abs(exact - xp.asarray(enclosure.value)) <= xp.asarray(
            np.where(np.isinf(enclosure.error), 0, enclosure.error)
        )
    undefined = np.asarray(np.frompyfunc(lambda ball: ball.is_nan(), 1, 1)(exact), bool)
    return bool((np.asarray(apart, bool) | np.isinf(enclosure.error) | undefined | ~np.isfinite(enclosure.value)).all())


# --- what cannot be computed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [24, 25, 35, 36, 37])
def test_the_printed_identity_has_no_value_at_the_sheets_own_shapes(number: int):
    line = LINES[number - 1]
    inputs, cotangent = plain(line, line.sheet_sizes)
    with pytest.raises(NotConformable, match=r"\(2, 3\)"):
        line.vjp_in(Floating("float64"), cotangent, inputs, line.printed)


def test_the_printed_sum_of_matrices_has_no_value_for_several_examples():
    inputs, _ = plain(mlp.Z, mlp.Z.sheet_sizes)
    with pytest.raises(NotConformable, match="write b u"):
        mlp.Z.value_in(Floating("float64"), inputs, mlp.Z.printed)


def test_the_two_expressions_of_line_37_have_different_shapes():
    line = mlp.example_grad_b1
    inputs, cotangent = plain(line, line.sheet_sizes)
    shapes = {
        expression: line.vjp_in(Floating("float64"), cotangent, inputs, line.standard.but(expression=expression))["b1"].shape
        for expression in ("first", "second")
    }
    assert shapes == {"first": (2, 4), "second": (2, 1)}


# --- the whole network ----------------------------------------------------------------------------------------------


def network(depth: int, seed: int) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[str], np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    widths = [4, 2, 3, 2, 1][: depth + 1]
    parameters = [
        (generator.integers(-16, 17, (h, k)) / 16, generator.integers(-16, 17, (h, 1)) / 16) for k, h in pairwise(widths)
    ]
    activations = [["sigmoid", "relu", "tanh", "identity"][i] for i in generator.integers(0, 4, depth)]
    return parameters, activations, generator.integers(-16, 17, (4, 3)) / 16, generator.integers(-16, 17, (widths[-1], 3)) / 16


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_the_whole_network_is_dual_to_its_forward_pass(depth: int, seed: int):
    parameters, activations, X, cotangent = network(depth, seed)
    generator = np.random.default_rng(seed)
    with precise() as xp:
        exact = [(xp.asarray(W), xp.asarray(b)) for W, b in parameters]
        dots = [(xp.asarray(generator.normal(size=W.shape)), xp.asarray(generator.normal(size=b.shape))) for W, b in parameters]
        found = backpropagate(exact, activations, xp.asarray(X), cotangent=xp.asarray(cotangent), xp=xp)
        A = Tangent(xp.asarray(X), xp.zeros_like(xp.asarray(X)))
        for (W, b), (W_dot, b_dot), g in zip(exact, dots, activations, strict=True):
            inputs = {"W": Tangent(W, W_dot), "A_prev": A, "b": Tangent(b, b_dot)}
            A = mlp.A.value_in(
                Tangents(xp), {"Z": mlp.Z.value_in(Tangents(xp), inputs, mlp.Z.standard), "g": g}, mlp.A.standard
            )
        pairs = [*zip(found.W_bar, (W for W, _ in dots), strict=True), *zip(found.b_bar, (b for _, b in dots), strict=True)]
        difference = sum(np.sum(bar * dot) for bar, dot in pairs) - np.sum(xp.asarray(cotangent) * A.tangent)
        assert difference.contains(0)
        assert all(ball.contains(0) for ball in (found.y_hat - A.primal).flat)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("normaliser", ["three", "examples", "elements", "one"])
def test_the_network_of_the_example_gives_what_its_lines_give(seed: int, normaliser: str):
    line_inputs, _ = plain(mlp2.grad_W1, mlp2.SHEET, seed)
    X, W1, b1, w2, b2, y = (line_inputs[name] for name in ("X", "W1", "b1", "w2", "b2", "y"))
    found = backpropagate([(W1, b1), (w2, b2)], ["sigmoid", "identity"], X, y=y, normaliser=normaliser)
    xp, A = Floating("float64"), found.A[0]
    expected = {
        mlp2.grad_W1: (line_inputs, found.W_bar[0]),
        mlp2.grad_b1: (line_inputs, found.b_bar[0]),
        mlp2.grad_w2: ({"w2": w2, "A": A, "b2": b2, "y": y}, found.W_bar[1]),
        mlp2.grad_b2: ({"w2": w2, "A": A, "b2": b2, "y": y}, found.b_bar[1]),
        mlp2.grad_Z: ({"Z": found.Z[0], "w2": w2, "b2": b2, "y": y}, found.delta[0]),
        mlp.example_delta2: ({"Z2": found.Z[1], "y": y}, found.delta[1]),
        mlp.example_delta1: ({"Z1": found.Z[0], "w2": w2, "b2": b2, "y": y}, found.delta[0]),
    }
    for line, (inputs, value) in expected.items():
        reading = line.reading("standard", normaliser=normaliser)
        bar = line.vjp_in(Rounding(precision("float64")), 1, lifted(Rounding(precision("float64")), inputs), reading)
        assert bar[line.wrt[0]].contains(value).all()
    np.testing.assert_array_equal(found.y_hat, mlp2.y_hat.value_in(xp, {"w2": w2, "A": A, "b2": b2}, mlp2.y_hat.standard))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@each_dtype
def test_the_whole_network_in_floating_point_lies_in_the_rounding_model(depth: int, dtype: str):
    parameters, activations, X, cotangent = network(depth, seed=depth)
    p = precision(dtype)

    def run(xp: Any) -> Any:
        lifted_parameters = [(xp.asarray(W), xp.asarray(b)) for W, b in parameters]
        return backpropagate(lifted_parameters, activations, xp.asarray(X), cotangent=xp.asarray(cotangent), xp=xp)

    enclosure, observed = run(Rounding(p)), run(Floating(p.numpy))
    for bounds, values in zip(enclosure, observed, strict=True):
        for bound, value in zip(bounds, values, strict=True):
            assert value.dtype == p.numpy
            assert bound.contains(value).all()


def test_backpropagation_says_what_it_was_not_given():
    parameters, activations, X, cotangent = network(2, 0)
    with pytest.raises(ArgumentError, match="exactly one of y"):
        backpropagate(parameters, activations, X)
    with pytest.raises(ArgumentError, match="one g for each layer"):
        backpropagate(parameters, activations[:1], X, cotangent=cotangent)
    with pytest.raises(ArgumentError, match="Did you mean sigmoid"):
        backpropagate(parameters, ["sigmoit", "relu"], X, cotangent=cotangent)
