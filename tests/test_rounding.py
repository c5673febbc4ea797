"""The rounding model: it holds what floating point returns, in every order, and lets nothing else through."""

import itertools

import numpy as np
import pytest
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise, symbol_array, symbols
from gradspec.crosscheck.arithmetic.rounding import Enclosure, Rounding
from gradspec.crosscheck.arithmetic.tangents import Tangent, Tangents
from gradspec.reference.arguments import FLOATING
from gradspec.reference.namespace import Floating
from hypothesis import given, settings
from hypothesis import strategies as st

FUNCTIONS = ("exp", "log", "log1p", "sqrt", "tanh")


def numbers(n: int, low: float = -8, high: float = 8) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(low, high, width=16), min_size=n, max_size=n)


def in_format(values: list[float], dtype: str) -> np.ndarray:
    return np.asarray(values).astype(precision(dtype).numpy)


def formula(xp, x, y, w):
    """A bit of everything: products, quotients, sums, an exponential, a root."""
    return xp.sqrt(x * x + y * y + 1) / (1 + xp.exp(-(x * w))) - y * w


@pytest.mark.parametrize("dtype", FLOATING)
@given(x=numbers(3), y=numbers(3), w=numbers(3))
def test_what_numpy_evaluates_lies_in_the_enclosure(dtype: str, x: list[float], y: list[float], w: list[float]) -> None:
    xp, arrays = Rounding(precision(dtype)), [in_format(v, dtype) for v in (x, y, w)]
    with np.errstate(all="ignore"):
        returned = formula(Floating(arrays[0].dtype), *arrays)
    assert formula(xp, *map(xp.asarray, arrays)).contains(returned).all()


@pytest.mark.parametrize("dtype", FLOATING)
@given(x=numbers(3), y=numbers(3), w=numbers(3))
def test_the_exact_value_lies_in_the_enclosure(dtype: str, x: list[float], y: list[float], w: list[float]) -> None:
    xp, arrays = Rounding(precision(dtype)), [in_format(v, dtype) for v in (x, y, w)]
    enclosure = formula(xp, *map(xp.asarray, arrays))
    with precise() as exact:
        truth = formula(exact, *map(exact.asarray, arrays))
        for ball, value, error in zip(truth, enclosure.value, enclosure.error, strict=True):
            assert abs(ball - exact.lift(value)) <= exact.lift(error)


@pytest.mark.parametrize("dtype", FLOATING)
@settings(max_examples=20)
@given(values=numbers(5, -100, 100))
def test_a_sum_holds_every_order_of_summation(dtype: str, values: list[float]) -> None:
    x, xp = in_format(values, dtype), Rounding(precision(dtype))
    enclosure = xp.sum(xp.asarray(x))
    for order in itertools.permutations(range(5)):
        total = x[order[0]]
        for i in order[1:]:
            total = total + x[i]
        assert enclosure.contains(np.asarray(total)).all()


@pytest.mark.parametrize("dtype", FLOATING)
@settings(max_examples=20)
@given(values=numbers(5, -4, 4))
def test_a_product_holds_every_order_of_multiplication(dtype: str, values: list[float]) -> None:
    x, xp = in_format(values, dtype), Rounding(precision(dtype))
    enclosure = xp.prod(xp.asarray(x))
    for order in itertools.permutations(range(5)):
        total = x[order[0]]
        for i in order[1:]:
            total = total * x[i]
        assert enclosure.contains(np.asarray(total)).all()


@pytest.mark.parametrize("dtype", FLOATING)
def test_a_result_two_units_off_a_single_operation_is_let_through_by_none(dtype: str) -> None:
    p = precision(dtype)
    xp = Rounding(p)
    a, b = in_format([1.375], dtype), in_format([1.25], dtype)
    for enclosure in (xp.asarray(a) * xp.asarray(b), xp.asarray(a) / xp.asarray(b)):
        wrong = enclosure.value * (1 + 4 * p.unit_roundoff)
        assert not enclosure.contains(wrong).any()


def test_a_flipped_sign_and_a_part_in_ten_billion_are_caught_at_float64() -> None:
    xp = Rounding(precision("float64"))
    enclosure = formula(xp, *(xp.asarray(np.asarray([v])) for v in (1.5, -0.5, 0.75)))
    assert enclosure.contains(enclosure.value).all()
    assert not enclosure.contains(-enclosure.value).any()
    assert not enclosure.contains(enclosure.value * (1 + 1e-10)).any()


def test_a_bias_may_be_summed_among_the_products() -> None:
    # 0.625 + 0.625 t - 0.375 t: fused multiply-adds that start from the bias round up, the other order does not
    t = 2.0**-53 * 1.25
    xp = Rounding(precision("float64"))
    product = xp.asarray(np.asarray([[0.625, -0.375]])) @ xp.asarray(np.asarray([[t], [t]]))
    biased = product + xp.asarray(np.asarray([[0.625]]))
    assert biased.contains(np.asarray([[(0.625 + 0.625 * t) - 0.375 * t]])).all()
    assert not biased.contains(np.asarray([[np.nextafter(np.nextafter(0.625, 1), 1)]])).any()


def test_overflow_may_return_infinity_and_its_reciprocal_zero() -> None:
    xp = Rounding(precision("float32"))
    large = xp.exp(xp.asarray(np.asarray([100.0], np.float32)))
    assert large.contains(np.asarray([np.inf])).all()
    assert (1 / large).contains(np.asarray([0.0])).all()
    assert not (1 / large).contains(np.asarray([1e-30])).any()
    assert (large - large).contains(np.asarray([np.nan])).all()


def test_exact_infinities_and_nan_are_held_exactly() -> None:
    xp = Rounding(precision("float64"))
    x = xp.asarray(np.asarray([np.inf, -np.inf, np.nan]))
    sigmoid = 1 / (1 + xp.exp(-x))
    assert sigmoid.contains(np.asarray([1.0, 0.0, np.nan])).all()
    assert not sigmoid.contains(np.asarray([np.nan, np.nan, 1.0])).any()


def test_zero_over_zero_is_not_a_number_and_nothing_else() -> None:
    xp = Rounding(precision("float64"))
    zero = xp.asarray(np.asarray([0.0]))
    quotient = 3 * (zero / zero)
    assert quotient.contains(np.asarray([np.nan])).all()
    assert not quotient.contains(np.asarray([0.0])).any()


def test_only_a_flushing_device_may_return_zero_for_a_subnormal() -> None:
    p = precision("float64")
    tiny = np.asarray([1e-310])
    for model, allowed in ((p, False), (p.flushing(), True)):
        xp = Rounding(model)
        assert (xp.asarray(tiny) * xp.asarray(np.asarray([0.75]))).contains(np.asarray([0.0])).all() == allowed


def test_a_constant_that_the_format_does_not_hold_is_as_uncertain_as_its_rounding() -> None:
    xp = Rounding(precision("float32"))
    beta = xp.asarray(0.9)
    assert float(beta.error) == abs(0.9 - float(np.float32(0.9)))
    complement = 1 - beta
    for computed in (np.float32(1 - 0.9), np.float32(1) - np.float32(0.9)):
        assert complement.contains(np.asarray(computed)).all()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", FLOATING)
@given(values=numbers(4, 0.0625, 6))
def test_an_elementary_function_is_allowed_four_units_and_no_ten(dtype: str, function: str, values: list[float]) -> None:
    p = precision(dtype)
    xp, x = Rounding(p), in_format(values, dtype)
    enclosure = getattr(xp, function)(xp.asarray(x))
    with np.errstate(all="ignore"):
        assert enclosure.contains(getattr(np, function)(x)).all()
    off = enclosure.value * (1 + 20 * p.unit_roundoff) + 2 * np.longdouble(p.smallest_subnormal)
    assert not enclosure.contains(off)[enclosure.value != 0].any()


def test_a_matrix_product_equals_its_sum_of_products() -> None:
    generator = np.random.default_rng(0)
    xp = Rounding(precision("float32"))
    a, b = (generator.normal(size=shape).astype(np.float32) for shape in ((3, 5), (5, 2)))
    product = xp.asarray(a) @ xp.asarray(b)
    for i, j in np.ndindex(3, 2):
        entry = xp.sum(xp.asarray(a[i]) * xp.asarray(b[:, j]))
        assert abs(float(product.value[i, j] - entry.value)) <= float(product.error[i, j])
        assert float(product.error[i, j]) <= 2 * float(entry.error)
    assert product.contains(a @ b).all()
    assert not product.contains((a @ b) * np.float32(1.001)).any()


def test_an_uncertain_argument_of_where_takes_both_branches() -> None:
    xp = Rounding(precision("float32"))
    x = xp.asarray(0.1) - xp.asarray(0.1)  # zero, or the rounding of 0.1
    chosen = xp.where(x > 0, xp.asarray(np.asarray(1.0)), xp.asarray(np.asarray(5.0)))
    assert chosen.contains(np.asarray(1.0)).all()
    assert chosen.contains(np.asarray(5.0)).all()


def test_a_matrix_product_of_uncertain_factors_bounds_every_term() -> None:
    # |A|F + E|B| + EF and the roundings of all of it, in a format so narrow that the second-order terms show
    p, n = precision("bfloat16"), 64
    xp = Rounding(p)
    a, b = xp.asarray(np.ones((1, n))), xp.asarray(np.zeros((n, 1)))
    b.error[...] = 0.5
    gamma = n * p.u / (1 - n * p.u)
    assert float((a @ b).error[0, 0]) >= (1 + gamma) * n * 0.5


@pytest.mark.parametrize("scale", [0, 12])
def test_a_large_matrix_product_is_as_good_as_its_exact_value(scale: int) -> None:
    # 32 x 32 x 32 is evaluated in slices; rows of very different magnitudes are sliced row by row
    generator, xp = np.random.default_rng(0), Rounding(precision("float64"))
    magnitudes = 10.0 ** np.linspace(-scale, scale, 32)
    a = generator.normal(size=(32, 32)) * magnitudes[:, None]
    b = generator.normal(size=(32, 32)) * magnitudes
    product = xp.asarray(a) @ xp.asarray(b)
    with precise() as exact:
        truth = exact.asarray(a) @ exact.asarray(b)
        bound = 33 * precision("float64").u * (np.abs(a) @ np.abs(b))
        for index in np.ndindex(32, 32):
            distance = abs(truth[index] - exact.lift(product.value[index]))
            assert distance <= exact.lift(product.error[index]) / 64  # next to nothing of the budget is the model's own
            assert product.error[index] <= bound[index]


def test_a_product_may_be_subtracted_with_fused_operations() -> None:
    t = 2.0**-53 * 1.25
    xp = Rounding(precision("float64"))
    product = xp.asarray(np.asarray([[0.625, -0.375]])) @ xp.asarray(np.asarray([[t], [t]]))
    bias = xp.asarray(np.asarray([[-0.625]]))
    fused = np.asarray([[-((0.625 + 0.625 * t) - 0.375 * t)]])
    for biased in (bias - product, -product + bias):
        assert biased.contains(fused).all()


def test_a_choice_between_numbers_that_no_distance_separates_may_be_anything() -> None:
    xp = Rounding(precision("float64"))
    unknown = Enclosure(np.asarray([np.longdouble(np.inf)]), np.asarray([np.longdouble(np.inf)]), xp.precision)
    assert xp.maximum(unknown, xp.asarray(np.asarray([np.inf]))).contains(np.asarray([1.0])).all()


def test_a_flushing_device_may_lose_a_difference() -> None:
    p = precision("float64")
    tiny = p.smallest_normal
    for model, allowed in ((p, False), (p.flushing(), True)):
        xp = Rounding(model)
        difference = xp.asarray(np.asarray([1.5 * tiny])) - xp.asarray(np.asarray([tiny]))
        assert difference.contains(np.asarray([0.0])).all() == allowed


def test_an_argument_that_may_lie_in_the_domain_is_no_certain_nan() -> None:
    xp = Rounding(precision("float64"))
    x = xp.asarray(np.asarray([-1e-10]))
    x.error[...] = 1e-9
    for function in (xp.sqrt, xp.log):
        assert function(x).contains(np.asarray([1e-5])).all()
        assert function(x).contains(np.asarray([np.nan])).all()


def test_an_overflow_keeps_its_sign() -> None:
    xp = Rounding(precision("float32"))
    large = xp.exp(xp.asarray(np.asarray([200.0])))
    assert large.contains(np.asarray([np.inf])).all()
    assert not large.contains(np.asarray([-np.inf])).any()


def test_a_quotient_may_go_through_a_subnormal_reciprocal() -> None:
    a, b = np.float16(50000), np.float16(60000)
    xp = Rounding(precision("float16"))
    quotient = xp.asarray(np.asarray([a])) / xp.asarray(np.asarray([b]))
    assert quotient.contains(np.asarray([a * (np.float16(1) / b)])).all()


HARD = [
    0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.1, 1 + 2.0**-24, 1 + 3 * 2.0**-24, 1 + 2.0**-24 + 2.0**-50,
    3.4028235e38, 3.4028236e38, 1e39, -1e39, 65504.0, 65519.999, 65520.0, 1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-8 + 2.0**-40,
    1.5 * 2.0**-149, 2.0**-150, 2.0**-126 * 0.75, 1e-300, 2.0**-25, 6e-8,
]  # fmt: skip


def stored(numbers: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        return numbers.astype(precision(dtype).numpy).astype(np.float64)


@given(values=st.lists(st.floats(width=64) | st.sampled_from(HARD), min_size=1, max_size=6))
def test_exact_numbers_held_in_float32_are_the_numbers_that_numpy_makes_of_them(values: list[float]) -> None:
    numbers = np.asarray(values)
    held = Rounding(precision("float64")).asarray(numbers).held(precision("float32"))
    expected = stored(numbers, "float32")
    assert held.contains(expected).all()
    assert np.array_equal(held.value.astype(np.float64), expected, equal_nan=True)
    assert not held.error.any()
    assert not held.may_overflow.any()
    assert held.precision == precision("float64")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@given(values=st.lists(st.floats(width=64) | st.sampled_from(HARD), min_size=1, max_size=6))
def test_numbers_held_in_16_bits_are_rounded_at_once_or_by_way_of_float32(dtype: str, values: list[float]) -> None:
    numbers = np.asarray(values)
    held = Rounding(precision("float64")).asarray(numbers).held(precision(dtype))
    assert held.contains(stored(numbers, dtype)).all()
    assert held.contains(stored(stored(numbers, "float32"), dtype)).all()
    clear = numbers == stored(numbers, "float32")
    assert not held.error[clear].any()


@pytest.mark.parametrize("dtype", FLOATING)
@given(values=st.lists(st.floats(-8, 8) | st.sampled_from([3e38, -3e38, 6e4, 1e-44, 1e-39, 2e-8]), min_size=1, max_size=6))
def test_uncertain_numbers_held_in_a_narrower_format_are_uncertain_by_one_rounding_more(
    dtype: str, values: list[float]
) -> None:
    xp, p, numbers = Rounding(precision("float64")), precision(dtype), np.asarray(values)
    uncertain = xp.asarray(numbers) / 3
    held = uncertain.held(p)
    for evaluated in (numbers / 3, numbers * (1 / 3)):
        assert held.contains(stored(evaluated, dtype)).all()
    allowed = uncertain.error + 1.001 * (p.u * np.abs(uncertain.value) + p.eta)
    assert (held.error <= allowed).all()


def test_what_overflows_or_is_flushed_where_it_is_held_is_infinite_or_zero() -> None:
    xp, single = Rounding(precision("float64")), precision("float32")
    large = xp.asarray(np.asarray([3 * 3.4028235e38])) / 3
    assert large.held(single).contains(np.asarray([np.inf])).all()
    assert not large.held(single).contains(np.asarray([-np.inf])).any()
    tiny = xp.asarray(np.asarray([1e-40]))
    for format_, allowed in ((single, False), (single.flushing(), True)):
        assert tiny.held(format_).contains(np.asarray([0.0])).all() == allowed


@pytest.mark.parametrize("t", [1, 2, 3, 7, 20])
@given(beta=st.floats(0.5, 0.9999))
def test_only_whole_powers_of_scalars_are_formed_in_float32_where_they_are_narrow(beta: float, t: int) -> None:
    wide, narrow = precision("float64"), precision("float64").with_narrow_powers()
    single = np.float32(1)
    for _ in range(t):
        single = single * np.float32(beta)
    in_narrow, in_wide = (Rounding(p).asarray(beta) ** t for p in (narrow, wide))
    for computed in (single, np.power(np.float32(beta), np.float32(t))):
        assert in_narrow.contains(np.asarray(np.float64(computed))).all()
        complement = 1 - in_narrow  # in float64
        assert complement.contains(np.asarray(1 - np.float64(computed))).all()
    assert in_narrow.error <= (t + 4) * precision("float32").u * in_narrow.value * (1 + 1e-5)
    assert in_wide.contains(np.asarray(beta**t)).all()
    plain, other = (Rounding(p).asarray(beta) * Rounding(p).asarray(0.1) for p in (narrow, wide))
    assert float(plain.error) == float(other.error)  # products are not narrow


def test_powers_of_arrays_are_formed_in_their_own_format() -> None:
    narrow = Rounding(precision("float64").with_narrow_powers()).asarray(np.asarray([0.3])) ** 2
    assert narrow.contains(np.asarray([0.3 * 0.3])).all()
    assert not narrow.contains(np.asarray([float(np.float32(0.3) ** 2)])).any()


@pytest.mark.parametrize("size", [2, 64])
def test_a_matrix_product_times_one_is_still_one_to_whose_sum_a_bias_may_belong(size: int) -> None:
    xp = Rounding(precision("float32"))
    rows = xp.asarray(np.full((size, 8), 0.1, np.float32))
    product, bias = rows @ xp.asarray(np.full((8, 3), 0.3, np.float32)), xp.asarray(np.full(3, 1e4, np.float32))
    for one in (1, xp.asarray(np.float32(1))):
        assert ((one * product + bias).error == (product + bias).error).all()
    assert ((-1 * product + bias).error >= product.error).all() and (-1 * product).fan == product.fan


@pytest.mark.parametrize("dtype", FLOATING)
def test_a_sign_is_exact_where_it_is_decided_and_anything_between_where_it_is_not(dtype: str) -> None:
    xp = Rounding(precision(dtype))
    decided = xp.sign(xp.asarray(in_format([-3.0, 0.0, 0.25, np.inf, np.nan], dtype)))
    assert decided.contains(in_format([-1.0, 0.0, 1.0, 1.0, np.nan], dtype)).all() and not decided.error.any()
    third = xp.asarray(in_format([1.0], dtype)) / 3
    for near_zero in (third - third, third * third - 1.0 / 9):
        open_sign = xp.sign(near_zero)
        assert all(open_sign.contains(np.asarray([value])).all() for value in (-1.0, 0.0, 1.0))
        assert not open_sign.contains(np.asarray([1.5])).any()
    assert xp.sign(xp.log(near_zero)).contains(np.asarray([np.nan])).all()


def test_a_sign_in_the_exact_arithmetics() -> None:
    import sympy

    with precise() as exact:
        around_zero = exact.log(exact.asarray([2.0]) / 3) + exact.log(exact.asarray([1.5]))
        (ball,) = exact.sign(around_zero)
        assert 1 in ball and -1 in ball and 2 not in ball
        assert [float(v) for v in exact.sign(exact.asarray([-2.0, 0.0, 3.0]))] == [-1, 0, 1]
        assert exact.sign(exact.asarray([np.nan]))[0].is_nan()
    (x,) = symbol_array("x", (1,))
    assert symbols().sign(np.asarray([x], dtype=object))[0] == sympy.sign(x)


def test_a_sign_does_not_move_with_its_argument() -> None:
    xp = Tangents(Floating(np.dtype("float64")))
    pushed = xp.sign(Tangent(np.asarray([-2.0, 3.0]), np.asarray([1.0, 1.0])))
    assert pushed.primal.tolist() == [-1, 1] and pushed.tangent.tolist() == [0, 0]
