"""A function is identified with the line and the reading it has; one that is none, or cannot be asked, is said to be so."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
from gradspec.adapters.errors import BoxError
from gradspec.crosscheck.answers import Arrangement, FunctionAnswer, NanFlow, Reduction, Tie, Unlaid
from gradspec.crosscheck.findings import Loss
from gradspec.crosscheck.identification import identify_function
from gradspec.reference import line
from gradspec.reference.arguments import ArgumentError
from gradspec.reports.terminal import text
from gradspec.reports.words.cells import values, where


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return pytest.importorskip("torch", reason="torch is not installed: pip install torch")


@pytest.fixture(scope="module")
def jax() -> ModuleType:
    pytest.importorskip("optax", reason="optax is not installed: pip install jax optax")
    return pytest.importorskip("jax", reason="jax is not installed: pip install jax optax")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_vjp(z_bar, x):
    return z_bar * sigmoid(x) * (1 - sigmoid(x))


def log_likelihood(y_hat, y):
    return y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)


def log_likelihood_vjp(l_bar, y_hat, y):
    return l_bar * (y / y_hat - (1 - y) / (1 - y_hat)), None


def squared_error(y_hat, y):
    return ((y_hat - y) ** 2).sum()


def identified(target: Any, **options: Any) -> FunctionAnswer:
    answer = identify_function(target, **options)
    assert answer.identified, text(answer)
    assert answer.worst_share is not None and answer.worst_share <= 1
    assert answer.failure is None
    return answer


def said(answer: FunctionAnswer) -> str:
    """The text on one line."""
    return " ".join(text(answer).split())


def part_of(reading: dict[str, str], **axes: str) -> bool:
    return axes.items() <= reading.items()


# --- NumPy ----------------------------------------------------------------------------------------------------------


def test_a_sigmoid_is_known_by_its_value_and_its_slope_stays_open() -> None:
    answer = identified(lambda x: 1 / (1 + np.exp(-x)))
    assert answer.line == "scalar.sigmoid"
    assert "logistic.y_hat" in answer.also
    assert answer.reading == {"sigma_form": "exponential"} and answer.backward_reading is None
    assert "nothing is known of its derivative, so that the backward reading stays open" in said(answer)


def test_a_sigmoid_with_its_vjp_has_the_slope_that_the_vjp_has() -> None:
    answer = identified((sigmoid, sigmoid_vjp))
    assert answer.line == "scalar.sigmoid"
    assert answer.backward_reading == {"slope": "one-minus-z", "sigma_form": "exponential"}
    assert answer.differs_from_standard == {"slope": "sigma-of-minus-x"} and not answer.differs_from_printed


def test_the_sheets_log_likelihood_is_the_printed_reading() -> None:
    answer = identified((log_likelihood, log_likelihood_vjp))
    assert answer.line == "logistic.loss" and answer.also == ["logistic.grad_y_hat"]
    assert part_of(answer.reading, sign="plus", guard="none")
    assert not answer.differs_from_printed and answer.differs_from_standard["sign"] == "minus"


@pytest.mark.parametrize(
    ("function", "reading"),
    [
        (lambda y_hat, y: 0.5 * np.mean((y_hat - y) ** 2), {"normaliser": "elements", "factor": "half"}),
        (lambda y_hat, y: np.sum((y_hat - y) ** 2) / 3, {"normaliser": "three", "factor": "one"}),
        (lambda y_hat, y: np.sum((y_hat - y) ** 2) / y.shape[1], {"normaliser": "examples", "factor": "one"}),
        (lambda y_hat, y: np.sum((y_hat - y) ** 2), {"normaliser": "one", "factor": "one"}),
    ],
)
def test_a_squared_error_has_the_normaliser_that_it_divides_by(function: Callable, reading: dict[str, str]) -> None:
    answer = identified(function)
    assert answer.line == "mlp2.loss" and answer.reading == reading and not answer.ambiguous


def test_a_batch_of_rows_is_laid_over_the_sheets_columns() -> None:
    answer = identified(lambda y_hat, y: squared_error(y_hat, y) / len(y))
    assert answer.reading["normaliser"] == "examples" and answer.arrangement is Arrangement.ROWS
    assert "with one example a row" in said(answer)


def test_a_loss_of_each_element_leaves_the_normaliser_ambiguous_and_says_so() -> None:
    answer = identified(lambda y_hat, y: (y_hat - y) ** 2 / 2, lines=["mlp2.loss"])
    assert answer.reading["factor"] == "half" and answer.ambiguous
    assert {rival.reading["normaliser"] for rival in answer.rivals if rival.ambiguous} == {"elements", "one"}
    assert {rival.tie for rival in answer.rivals if rival.ambiguous} == {Tie.ELEMENTS}
    assert answer.reduction is Reduction.EACH and "the loss of each element, where the line sums them" in said(answer)


def test_a_mean_over_examples_is_taken_for_the_loss_of_one() -> None:
    def mean(y_hat, y):
        return -log_likelihood(y_hat, y).mean()

    answer = identified((mean, lambda bar, y_hat, y: -log_likelihood_vjp(bar, y_hat, y)[0] / len(y)))
    assert answer.line == "logistic.loss" and answer.reading["sign"] == "minus" and answer.reduction is Reduction.MEAN
    assert "the mean over the examples, where the line is that of one example" in said(answer)


def test_a_function_of_numbers_is_called_one_element_at_a_time() -> None:
    def logistic(x):
        return 0.0 if x < -709.7 else 1 / (1 + math.exp(-x))

    answer = identified((logistic, lambda z_bar, x: z_bar * logistic(x) * (1 - logistic(x))), lines=["scalar.sigmoid"])
    assert answer.arrangement is Arrangement.SINGLY and part_of(answer.reading, slope="one-minus-z")
    assert identified(lambda x: x if x > 0 or math.isnan(x) else 0.0, lines=["mlp.A"]).settings == {"g": "relu"}


@pytest.mark.parametrize(
    ("function", "name", "nan"),
    [(np.maximum, "scalar.max", "propagate"), (np.fmin, "scalar.min", "ignore"), (np.add, "scalar.sum", None)],
)
def test_a_function_of_two_operands_is_laid_over_a_vector_of_two(function: Callable, name: str, nan: str | None) -> None:
    answer = identified(function)
    assert answer.line == name and answer.reading.get("nan") == nan and answer.arrangement is Arrangement.OPERANDS


def test_the_references_own_lines_are_identified_as_printed() -> None:
    for name in ("scalar.prod", "scalar.min", "logistic.z"):
        answer = identified(line(name), lines=[name], name=name)
        assert answer.reading == dict(line(name).printed.axes)


def test_arguments_go_by_name_and_by_the_names_given() -> None:
    def keras_order(y_true, y_pred):
        return -log_likelihood(y_pred, y_true)

    assert identified(keras_order).arguments == {"y_hat": "y_pred", "y": "y_true"}
    swapped = identified(lambda a, b: log_likelihood(b, a), names={"y_hat": "b"}, lines=["logistic.loss"])
    assert swapped.arguments == {"y_hat": "b", "y": "a"}
    assert not identify_function(lambda a, b: log_likelihood(b, a), lines=["logistic.loss"]).identified


def test_a_vjp_by_name_is_understood_and_a_missing_cotangent_is_said() -> None:
    def by_name(z_bar, w, x, b):
        return {"w": z_bar * x, "b": z_bar}

    answer = identified((lambda w, x, b: (w.T @ x)[0, 0] + b, by_name))
    assert answer.line == "logistic.z"
    assert answer.missing_cotangents == ["x"] and "its vjp returns no cotangent of x" in said(answer)


# --- what shows it --------------------------------------------------------------------------------------------------


def test_each_other_option_is_ruled_out_by_a_witness() -> None:
    def split(z_bar, x):
        hit = x == x.max()
        return z_bar * hit / hit.sum() if hit.any() else x * z_bar

    answer = identified((np.max, split))
    assert answer.reading == {"ties": "split", "nan": "propagate"}
    ruled_out = {tuple(rival.reading.values()) for rival in answer.rivals if rival.witness is not None and not rival.fits}
    assert {("all", "propagate"), ("first", "propagate"), ("last", "propagate"), ("split", "ignore")} <= ruled_out
    witness = next(r.witness for r in answer.rivals if r.reading["ties"] == "all")
    assert witness is not None and [q.decimal for q in witness.inputs if q.name == "x"] == [["0.0", "0.0"]]
    assert [q.decimal for q in values(witness)] == [["0.5", "0.5"], ["1.0", "1.0"], ["0.5", "0.5"]]


def test_the_answer_reads_on_a_terminal_and_is_json() -> None:
    answer = identified((log_likelihood, log_likelihood_vjp))
    assert "is logistic.loss: logistic regression: loss" in text(answer)
    assert "value if sign=minus" in text(answer) and "the print has  the same" in text(answer)
    assert max(map(len, text(answer).splitlines())) <= 100
    decoded = msgspec.json.decode(msgspec.json.encode(answer), type=FunctionAnswer)
    assert decoded == answer


def test_lines_that_are_not_tried_say_why() -> None:
    answer = identified(sigmoid)
    why = {trial.line: (trial.reason, trial.words) for trial in answer.lines if trial.outcome == "not-tried"}
    assert why["scalar.sum"][0] is Unlaid.SHAPE
    assert why["logistic.loss"] == (Unlaid.NO_ARGUMENT, "it has no argument for y")


def test_an_input_on_which_it_raises_is_reported_and_not_fatal() -> None:
    def guarded(x):
        if np.isnan(x).any():
            raise ValueError("no NaN, please")
        return sigmoid(x)

    answer = identified(guarded)
    assert answer.line == "scalar.sigmoid"
    assert answer.raises is not None and answer.raises.words == "ValueError: no NaN, please"
    assert f"it raises on {answer.raises.inputs} of {answer.raises.of} inputs" in said(answer)


def test_a_function_that_prints_is_told_of_it(capsys: pytest.CaptureFixture) -> None:
    def loud(x):
        print("here")  # noqa: T201 (what is tested)
        return sigmoid(x)

    answer = identified(loud)
    assert answer.prints and "it prints when it is called" in said(answer)
    assert capsys.readouterr().out == ""


def test_the_same_seed_gives_the_same_answer() -> None:
    assert identify_function(sigmoid, seed=3) == identify_function(sigmoid, seed=3)


# --- no reading -----------------------------------------------------------------------------------------------------


def test_a_factor_wrong_by_a_millionth_is_no_reading() -> None:
    answer = identify_function(lambda x: sigmoid(x) * (1 + 1e-6), lines=["scalar.sigmoid"])
    assert not answer.identified and answer.line == "scalar.sigmoid" and answer.worst_share is None
    assert answer.distance is not None and 1e-7 < answer.distance < 2e-6
    assert answer.failure is not None and where(answer.failure).startswith("value")
    assert "no reading of any line; the nearest is scalar.sigmoid" in text(answer)


def test_a_vjp_wrong_by_a_millionth_is_no_reading_while_the_value_is() -> None:
    answer = identify_function((sigmoid, lambda bar, x: sigmoid_vjp(bar, x) * (1 + 1e-6)), lines=["scalar.sigmoid"])
    assert not answer.identified
    assert answer.failure is not None and where(answer.failure).startswith("x_bar")
    assert answer.value_alone and not answer.cotangents_alone and "its value alone fits" in said(answer)


def test_a_value_and_a_vjp_of_two_readings_are_no_reading_together() -> None:
    answer = identify_function((log_likelihood, lambda bar, y_hat, y: -log_likelihood_vjp(bar, y_hat, y)[0]))
    assert not answer.identified
    assert "value alone fits: sign=plus" in said(answer) and "cotangents alone fit: sign=minus" in said(answer)


def test_a_function_wrong_at_a_tie_only_is_no_reading() -> None:
    def half_of_each(z_bar, x):
        return (
            z_bar * 0.5 * (1.0 + (np.sum(x == x.max()) == 1)) * (x == x.max()) if x.size != 3 else z_bar * 0.25 * (x == x.max())
        )

    assert not identify_function((np.max, half_of_each), lines=["scalar.max"]).identified


def test_the_line_whose_value_alone_is_returned_is_the_nearest() -> None:
    answer = identify_function((sigmoid, lambda bar, x: -sigmoid_vjp(bar, x)))
    assert not answer.identified and answer.line == "scalar.sigmoid"
    assert answer.value_alone and "its value alone fits" in said(answer)


def softplus(z):
    return np.logaddexp(0, z)


ARRANGED = {
    "softplus less its target's part": (lambda z, y: softplus(z) - z * y, "logistic.grad_z"),
    "the odds": (lambda p, y: -(y * np.log(p / (1 - p)) + np.log(1 - p)), "logistic.loss"),
    "tanh by the exponential": (lambda x: 2 / (1 + np.exp(-2 * x)) - 1, "mlp.A"),
    "the square multiplied out": (lambda y_hat, y: np.mean(y_hat**2 - 2 * y_hat * y + y**2), "mlp2.loss"),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_another_arrangement_that_loses_small_numbers_is_named_and_a_slip_in_it_is_not(name: str) -> None:
    function, line_ = ARRANGED[name]
    for dtype in ("float64", "float32"):
        answer = identified(function, dtype=dtype)
        assert line_ in (answer.line, *answer.also) and answer.losses == [Loss.LARGE_TERMS]
        assert "in another arrangement, which loses small numbers" in said(answer)
        assert not {"path", "sigma_form"} & {*answer.reading}  # it is none of the evaluations that are known
    assert not identify_function(lambda *arrays: function(*arrays) * (1 + 1e-9)).identified
    assert not identify_function(lambda *arrays: function(*arrays) - 1e-9).identified


def test_in_formats_of_few_digits_an_arrangement_is_no_excuse() -> None:
    answer = identify_function(lambda z, y: softplus(z) - z * y + z.dtype.type(0.001), dtype="float16")
    assert Loss.LARGE_TERMS not in answer.losses


def test_a_mean_whose_vjp_is_that_of_the_sum_is_said_to_be_both() -> None:
    def entropy(p, y):
        return -np.mean(log_likelihood(p, y))

    answer = identify_function((entropy, lambda bar, p, y: (-log_likelihood_vjp(bar, p, y)[0], None)))
    assert not answer.identified and answer.near and answer.line == "logistic.loss"
    assert {one["reduction"] for one in answer.value_alone} == {"mean"}
    assert {one["reduction"] for one in answer.cotangents_alone} == {"sum"}
    assert answer.failure is not None and where(answer.failure).startswith("y_hat_bar")
    assert "the cotangents of another reading" in said(answer)


def test_another_function_gets_the_nearest_line() -> None:
    answer = identify_function(np.tanh, lines=["scalar.sigmoid", "mlp.A"])
    assert answer.identified and answer.settings == {"g": "tanh"}
    nearest = identify_function(lambda x: sigmoid(1.001 * x), lines=["scalar.sigmoid", "mlp.A"])
    assert not nearest.identified and nearest.failure is not None


# --- bad input ------------------------------------------------------------------------------------------------------


def raises(x):
    raise RuntimeError("out of order")


def in_place(x):
    x *= -1
    return 1 / (1 + np.exp(x))


COUNTER = iter(range(10**6))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (lambda x: None, "returns None; give a function that returns an array"),
        (lambda x: (x, x), r"returns a tuple of 2; give a function that returns one array"),
        (lambda x: sigmoid(x).astype(np.float32), "returns float32 where its inputs are float64"),
        (lambda x: x > 0, "returns bool where its inputs are float64"),
        (lambda x: "z", "str for arrays of NumPy's"),
        (lambda x: np.ones((7, 7)), r"laid over no line:.*\(7, 7\)"),
        (raises, "laid over no line:.*RuntimeError: out of order"),
        (in_place, r"changes its arguments in place \(x\); give a function that works on copies"),
        (lambda x: sigmoid(x) + next(COUNTER), "other numbers when it is called again .* fix its random state"),
        (lambda: 1.0, "laid over no line"),
        (lambda a, b, c, d, e, f: a, "laid over no line"),
        ((sigmoid, lambda bar, x: x[:1] * bar[:1]), r".*'s vjp returns shape \(1,\) for x of shape"),
        ((sigmoid, lambda bar, x: (bar, bar)), "returns 2 cotangents for 1 inputs"),
        ((sigmoid, 3), "is no function"),
        (3.0, "is no function"),
        (dict, "class whose instances are not called|not made without arguments"),
        ("numpy.no_such_function", "numpy has no 'no_such_function'"),
    ],
)
def test_a_function_that_cannot_be_asked_is_said_to_be_so(target: Any, words: str) -> None:
    with pytest.raises(BoxError, match=f"(?s){words}"):
        identify_function(target)


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(BoxError, match="no argument 'z'"):
        identify_function(sigmoid, names={"x": "z"})
    with pytest.raises(BoxError, match="no line that is tried has an input 'yhat'"):
        identify_function(log_likelihood, names={"yhat": "y_hat"})
    with pytest.raises(BoxError, match=r"optimizer.adam is an optimizer"):
        identify_function(sigmoid, lines=["adam"])
    with pytest.raises(ArgumentError, match="unknown line"):
        identify_function(sigmoid, lines=["sigmund"])
    with pytest.raises(ArgumentError, match="unknown dtype"):
        identify_function(sigmoid, dtype="float63")


# --- torch ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found", "axes"),
    [
        ("torch.nn.functional.binary_cross_entropy_with_logits", "logistic.grad_z", {"sign": "minus"}),
        ("torch.nn.functional.binary_cross_entropy", "logistic.loss", {"sign": "minus", "guard": "clamp"}),
        ("torch.nn.BCELoss", "logistic.loss", {"sign": "minus", "guard": "clamp"}),
        ("torch.nn.functional.mse_loss", "mlp2.loss", {"normaliser": "elements", "factor": "one"}),
        ("torch.amax", "scalar.max", {"ties": "split", "nan": "propagate"}),
        ("torch.maximum", "scalar.max", {"ties": "split", "nan": "propagate"}),
        ("torch.prod", "scalar.prod", {"zero": "quotient-unless-zero"}),
        ("torch.sigmoid", "scalar.sigmoid", {"slope": "one-minus-z"}),
        ("torch.relu", "mlp.A", {"kink": "zero"}),
    ],
)
def test_torchs_functions_are_identified(torch: ModuleType, name: str, found: str, axes: dict[str, str]) -> None:
    answer = identified(name)
    assert (answer.line, answer.framework, answer.target) == (found, "torch", name)
    assert part_of(answer.reading, **axes) and answer.backward_reading is not None and not answer.ambiguous


def test_the_cross_entropy_of_logits_is_the_difference_and_not_the_logit_path(torch: ModuleType) -> None:
    answer = identified(torch.nn.functional.binary_cross_entropy_with_logits)
    assert answer.reading["path"] == "difference" and answer.differs_from_standard == {"path": "logit"}
    logit = next(rival for rival in answer.rivals if rival.reading["path"] == "logit")
    assert logit.witness is not None and where(logit.witness).startswith(("value", "z_bar"))


def test_torch_is_found_in_lambdas_partials_modules_and_autograd_functions(torch: ModuleType) -> None:
    class FirstMaximum(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.max()

        @staticmethod
        def backward(ctx, z_bar):
            (x,) = ctx.saved_tensors
            return torch.zeros_like(x).index_fill(0, x.argmax().reshape(1), 1.0) * z_bar

    first = identified(FirstMaximum, name="FirstMaximum")
    assert first.reading == {"ties": "first", "nan": "propagate"} and first.arguments == {"x": "x"}
    assert identified(lambda x: torch.max(x, dim=0).values).reading["ties"] == "first"
    summed = functools.partial(torch.nn.functional.mse_loss, reduction="sum")
    assert identified(summed).reading["normaliser"] == "one"
    assert identified(torch.nn.MSELoss(reduction="none"), lines=["mlp2.loss"]).ambiguous


def test_a_vjp_by_hand_over_tensors_is_read_in_torchs_place(torch: ModuleType) -> None:
    answer = identified((torch.amax, lambda z_bar, x: z_bar * (x == x.amax())), framework="torch")
    assert answer.reading == {"ties": "all", "nan": "propagate"} and answer.framework == "torch"


def test_a_torch_function_that_is_not_differentiated_is_known_by_its_value(torch: ModuleType) -> None:
    class NoBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.sigmoid(x)

    answer = identified(NoBackward)
    assert answer.line == "scalar.sigmoid" and answer.backward_reading is None
    assert answer.undifferentiated and "it cannot be differentiated" in said(answer)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_narrow_dtype_is_identified_too(torch: ModuleType, dtype: str) -> None:
    answer = identified(torch.amin, dtype=dtype, lines=["scalar.min", "scalar.max"])
    assert answer.line == "scalar.min" and answer.reading["ties"] == "split" and answer.dtype == dtype


def test_a_torch_function_wrong_by_a_millionth_is_no_reading(torch: ModuleType) -> None:
    answer = identify_function(lambda x: torch.sigmoid(x) * (1 + 1e-6))
    assert not answer.identified and answer.framework == "torch"


def test_torchs_bad_functions_are_said_to_be_so(torch: ModuleType) -> None:
    with pytest.raises(BoxError, match="returns a tuple of 2"):
        identify_function(lambda x: tuple(torch.max(x, dim=0)))
    with pytest.raises(BoxError, match="changes its arguments in place"):
        identify_function(lambda y_hat, y: torch.sum((y_hat - y.mul_(2)) ** 2))
    with pytest.raises(BoxError, match="other numbers when it is called again"):
        identify_function(lambda x: x * torch.rand(1, dtype=x.dtype))


# --- jax ------------------------------------------------------------------------------------------------------------


def test_jaxs_functions_are_identified(jax: ModuleType) -> None:
    import jax.numpy as jnp

    answer = identified(jnp.max)
    assert (answer.framework, answer.line, answer.reading) == ("jax", "scalar.max", {"ties": "split", "nan": "propagate"})
    sigmoid_ = identified(jax.nn.sigmoid, lines=["scalar.sigmoid"])
    assert part_of(sigmoid_.reading, slope="one-minus-z") and sigmoid_.losses == [Loss.FLUSHED]
    assert "subnormal numbers are flushed to zero" in said(sigmoid_)


def test_optaxs_squared_error_is_that_of_each_element(jax: ModuleType) -> None:
    answer = identified("optax.l2_loss", lines=["mlp2.loss", "logistic.loss"])
    assert answer.line == "mlp2.loss" and answer.reading["factor"] == "half" and answer.ambiguous
    assert answer.arguments == {"y_hat": "predictions", "y": "targets"}


def test_a_custom_vjp_is_what_is_identified(jax: ModuleType) -> None:
    import jax.numpy as jnp

    @jax.custom_vjp
    def everyones(x):
        return jnp.max(x)

    everyones.defvjp(lambda x: (jnp.max(x), x), lambda x, z_bar: (z_bar * (x == jnp.max(x)),))
    answer = identified(everyones)
    assert answer.framework == "jax" and answer.reading == {"ties": "all", "nan": "propagate"}
    assert not answer.differs_from_printed


# --- evaluations, and what lies apart from ordinary numbers ---------------------------------------------------------


def stable(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


def residual(l_bar, z, y):
    return l_bar * (sigmoid(z) - y), -l_bar * z


def test_the_value_and_the_cotangents_are_each_named_by_their_own_evaluation() -> None:
    answer = identified((stable, residual))
    assert (answer.line, answer.value_reading["path"]) == ("logistic.grad_z", "logit")
    assert answer.backward_reading == {"sign": "minus", "path": "difference"} and not answer.asides
    assert "the value is evaluated as sign=minus, path=logit" in said(answer)


def test_evaluations_that_are_not_told_apart_are_not_named() -> None:
    def through_the_output(z, y):
        return -log_likelihood(sigmoid(z), y)

    answer = identified(through_the_output, lines=["logistic.grad_z"])
    assert answer.reading == {"sign": "minus"} and set(answer.open["path"]) == {"quotients", "chain"}
    assert "path: quotients or chain, which nothing that was seen tells apart" in said(answer)


def test_a_value_where_a_budget_contains_anything_is_no_evidence() -> None:
    def broken_in_the_tails(z, y):
        return np.where(np.abs(z) > 36, 12345.0, stable(z, y))

    assert not identify_function(broken_in_the_tails, lines=["logistic.grad_z"]).identified
    stops = identify_function((stable, lambda l_bar, z, y: (np.where(np.abs(z) > 40, 0.0, residual(l_bar, z, y)[0]), None)))
    assert not stops.identified and stops.value_alone == [{"sign": "minus", "path": "logit"}]


def test_what_is_no_number_is_said_apart_from_the_formula() -> None:
    def by_mask(x):
        return x * (x > 0)

    answer = identified((by_mask, lambda bar, x: bar * (x > 0)), lines=["mlp.A"])
    assert answer.settings == {"g": "relu"} and answer.reading["kink"] == "zero"
    (aside,) = answer.asides
    assert (aside.inputs[0].decimal, aside.reading.decimal, aside.returned.decimal) == (["-inf"], ["0.0"], ["nan"])
    assert "at Z = -inf the value is nan, where the reading has 0.0" in said(answer)
    assert not answer.is_("mlp.A")
    with pytest.raises(AssertionError, match=r"value at Z = -inf is nan, not 0\.0"):
        answer.must_be("mlp.A")


def test_an_axis_that_only_places_apart_would_settle_stays_open() -> None:
    def without_nan(y_hat, y):
        return -(np.where(y == 0, 0, y * np.log(y_hat)) + np.where(y == 1, 0, (1 - y) * np.log(1 - y_hat)))

    answer = identified(without_nan, lines=["logistic.loss"])
    assert answer.reading == {"sign": "minus"} and answer.open == {"guard": []} and not answer.losses
    assert {tuple(q.decimal[0] for q in aside.inputs) for aside in answer.asides} == {("0.0", "0.0"), ("1.0", "1.0")}


def test_no_line_is_called_the_nearest_that_is_not_near() -> None:
    answer = identify_function(lambda x: np.logaddexp(0, x))
    assert not answer.identified and not answer.near
    assert "is no reading of any line, and near to none" in said(answer)


# --- NaN ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "name", "nan"),
    [
        (lambda a, b: np.where(a > b, a, b), "scalar.max", "last"),
        (lambda a, b: np.where(a < b, b, a), "scalar.max", "first"),
        (lambda a, b: np.where(a < b, a, b), "scalar.min", "last"),
        (lambda a, b: np.where(b < a, b, a), "scalar.min", "first"),
        (lambda x: functools.reduce(lambda a, b: np.where(a > b, a, b), x), "scalar.max", "last"),
        (lambda x: np.float64(min(x)), "scalar.min", "first"),
        (np.nanmax, "scalar.max", "ignore"),
        (np.minimum, "scalar.min", "propagate"),
    ],
)
def test_a_comparison_says_what_becomes_of_a_nan_on_either_side(function: Callable, name: str, nan: str) -> None:
    answer = identified(function)
    assert (answer.line, answer.reading) == (name, {"nan": nan})


@pytest.mark.parametrize(
    ("vjp", "flow"),
    [
        (lambda bar, x: bar * (x == x.max()), NanFlow.NOTHING),
        (lambda bar, x: bar * np.where(np.isnan(x), 1.0, x == x.max()), NanFlow.TO_THE_NAN),
        (lambda bar, x: bar * np.where(np.isnan(x).any(), np.nan, x == x.max()), NanFlow.ALL_NAN),
    ],
)
def test_where_a_nan_sends_what_flows_back_is_said(vjp: Callable, flow: NanFlow) -> None:
    assert identified((np.max, vjp)).nan_flow is flow


# --- constants, arrangements, gradients -----------------------------------------------------------------------------


def clipped(y_hat, y, epsilon):
    p = np.clip(y_hat, epsilon, 1 - epsilon)
    return -log_likelihood(p, y)


@pytest.mark.parametrize(
    ("function", "guard", "epsilon"),
    [
        (lambda y_hat, y: clipped(y_hat, y, 1e-7), "clipped", 1e-7),
        (lambda y_hat, y: clipped(y_hat, y, 1e-15).mean(), "clipped", 1e-15),
        (lambda y_hat, y: clipped(y_hat, y, 2.0**-52).sum(), "clipped", 2.0**-52),
        (lambda y_hat, y: -(y * np.log(y_hat + 1e-12) + (1 - y) * np.log(1 - y_hat + 1e-12)), "shifted", 1e-12),
        (
            lambda y_hat, y: -(y * np.log(np.maximum(y_hat, 3e-9)) + (1 - y) * np.log(np.maximum(1 - y_hat, 3e-9))),
            "floored",
            3e-9,
        ),
    ],
)
def test_a_guard_has_whatever_epsilon_was_written(function: Callable, guard: str, epsilon: float) -> None:
    answer = identified(function)
    assert answer.line == "logistic.loss" and answer.reading["guard"] == guard
    assert answer.constants == {"guard": epsilon} and f"ε = {epsilon!r}" in said(answer)


def test_two_epsilons_are_no_guard() -> None:
    answer = identify_function(lambda y_hat, y: -log_likelihood(np.clip(y_hat, 1e-7, 1 - 1e-6), y), lines=["logistic.loss"])
    assert not answer.identified


def test_a_sigmoid_by_tanh_and_a_slope_by_cosh_are_evaluations() -> None:
    answer = identified(lambda x: 0.5 * (np.tanh(x / 2) + 1))
    assert answer.line == "scalar.sigmoid" and answer.reading == {"sigma_form": "half-tanh"}
    answer = identified((np.tanh, lambda bar, x: bar / np.cosh(x) ** 2))
    assert answer.settings == {"g": "tanh"} and answer.reading == {"tanh_slope": "over-cosh-squared"}
    assert not identify_function((np.tanh, lambda bar, x: bar / np.cosh(x) ** 2 * (1 + 1e-9))).identified


@pytest.mark.parametrize(
    ("function", "name", "axes"),
    [
        (lambda y_hat, y: y_hat - y, "logistic.grad_z", {"sign": "minus"}),
        (lambda z, y: sigmoid(z) - y, "logistic.grad_z", {"sign": "minus", "path": "difference"}),
        (lambda y_hat, y: 2 * (y_hat - y) / y.size, "mlp2.grad_y_hat", {"normaliser": "elements", "factor": "one"}),
        (lambda x: sigmoid(x) * (1 - sigmoid(x)), "scalar.sigmoid", {"slope": "one-minus-z"}),
    ],
)
def test_a_gradient_written_by_hand_is_held_against_gradients(function: Callable, name: str, axes: dict[str, str]) -> None:
    answer = identified(function)
    assert answer.line == name and answer.gradient and part_of(answer.reading, **axes)
    assert f"is the gradient in {name}" in said(answer)


def test_a_gradient_wrong_by_a_thousandth_is_no_gradient() -> None:
    answer = identify_function(lambda y_hat, y: 1.001 * (y_hat - y))
    assert not answer.identified and answer.near and answer.line == "logistic.grad_z"


@pytest.mark.parametrize(
    ("function", "arrangement"),
    [
        (lambda x, W, b: x @ W.T + b, Arrangement.EXAMPLES),
        (lambda x, kernel, bias: x @ kernel + bias, Arrangement.ROWS),
        (lambda W, A, b: W @ A + b, Arrangement.AS_IT_IS),
    ],
)
def test_a_layer_is_known_whichever_way_its_examples_lie(function: Callable, arrangement: Arrangement) -> None:
    answer = identified(function)
    assert answer.line == "mlp.Z" and answer.arrangement is arrangement and answer.reading == {"bias": "broadcast"}


def test_torchs_linear_layer_is_known_with_its_cotangents(torch: ModuleType) -> None:
    def linear(x, W, b):
        return torch.nn.functional.linear(x, W, b)

    answer = identified(linear, dtype="float32")
    assert answer.line == "mlp.Z" and answer.backward_reading is not None


def test_a_jax_vjp_by_hand_is_named_apart_from_its_value(jax: ModuleType) -> None:
    import jax.numpy as jnp

    @jax.custom_vjp
    def loss(z, y):
        return jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))

    loss.defvjp(lambda z, y: (loss(z, y), (z, y)), lambda kept, bar: (bar * (jax.nn.sigmoid(kept[0]) - kept[1]), None))
    answer = identified(loss)
    assert answer.value_reading["path"] == "logit" and answer.backward_reading == {"sign": "minus", "path": "difference"}


def test_a_vjp_for_one_shape_alone_is_no_defect_of_the_value() -> None:
    def layer_vjp(bar, W, A, b):
        if A.shape[1] != 1:
            raise ValueError("one example, please")
        return bar @ A.T, W.T @ bar, bar

    answer = identified((lambda W, A, b: W @ A + b, layer_vjp))
    assert answer.line == "mlp.Z" and answer.backward_reading is not None
    assert answer.raises is not None and answer.raises.words == "ValueError: one example, please"


def test_a_function_for_one_shape_alone_is_tried_on_it() -> None:
    def for_one_output(y_hat, y):
        if y.shape[0] != 1:
            raise ValueError("one output, please")
        return ((y_hat - y) ** 2).mean()

    assert identified(for_one_output, lines=["mlp2.loss"]).line == "mlp2.loss"
