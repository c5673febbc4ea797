"""Files that raise, hang, print or leave: the command says what they did in one line, and its standard output stays its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from gradspec.adapters.errors import BoxError
from gradspec.cli import main
from gradspec.crosscheck.identification import CALLS, identify, isolated

HEAD = "import os, signal, sys, time\nimport numpy as np\n"
SGD = """
class make:
    def __init__(self, weights, keep=0.5):
        self.weights = weights

    def step(self, gradient, learning_rate):
        self.weights -= learning_rate * gradient
"""


@dataclass(frozen=True)
class Ended:
    """A command's exit status, and what it wrote to each of the two streams, by whatever way."""

    status: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    def run(body: str, *options: str, of: str = "make") -> Ended:
        (tmp_path / "mine.py").write_text(HEAD + body)
        status = main(["identify", f"{tmp_path / 'mine.py'}:{of}", *options])
        return Ended(status, *capfd.readouterr())

    return run


def refused(ended: Ended, words: str) -> None:
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err and ended.err.startswith("gradspec: error: ") and "Traceback" not in ended.err


# --- what is tried as an optimizer, and is none ---------------------------------------------------------------------


def test_a_function_that_raises_on_a_vector_is_identified_as_a_function(command: Command) -> None:
    ended = command(
        "def f(x, axis=-1):\n    assert x.ndim == 2\n    return np.maximum(x, 0)\n", "--json", "--line", "mlp.A", of="f"
    )
    answer = json.loads(ended.out)
    assert (answer["line"], answer["settings"], ended.status) == ("mlp.A", {"g": "relu"}, 0)


def test_a_function_of_torchs_is_identified_although_it_takes_no_array_of_numpys() -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    answer = identify("torch.nn.functional.relu", lines=["mlp.A"])
    assert answer.line == "mlp.A" and answer.verdict == "identified"


def test_a_function_that_always_raises_is_told_in_its_own_words(command: Command) -> None:
    refused(command("def f(x):\n    raise RuntimeError('never')\n", of="f"), "it raises RuntimeError: never")


def test_a_make_that_raises_is_told_in_its_own_words(command: Command) -> None:
    refused(command("def make(weights):\n    return 1 / 0\n"), "raised ZeroDivisionError when it was tried as an optimizer")


def test_a_try_prints_nothing_and_warns_of_nothing(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    def loud(x):
        sys.stdout.write("here I am")
        return np.log(x)

    with pytest.raises(BoxError):
        identify(loud, lines=["mlp2.loss"])
    assert capfd.readouterr() == ("", "") and not recwarn.list


def test_a_try_has_the_time_limit_of_one_call(command: Command) -> None:
    started = time.monotonic()
    ended = command("def f(x):\n    while True:\n        pass\n", "--time-limit", "0.5", of="f")
    refused(ended, "did not come back within 0.5 s when it was tried as an optimizer")
    assert time.monotonic() - started < 0.5 * CALLS + 10  # the least that the whole has is 60 s


# --- what prints, and what leaves -----------------------------------------------------------------------------------


def test_standard_output_is_the_answers_alone(command: Command) -> None:
    print_at_step = SGD.replace("self.weights -=", 'os.write(1, b"by number\\n"); print("by name"); self.weights -=')
    ended = command('print("at import")\nos.write(1, b"by number\\n")\n' + print_at_step, "--json")
    assert json.loads(ended.out)["line"] == "optimizer.sgd"
    assert "at import" in ended.err and "by number" in ended.err


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(3)\n" + SGD, "cannot be imported: SystemExit: 3"),
        ("raise KeyboardInterrupt\n", "raised KeyboardInterrupt"),
        (SGD.replace("self.weights -=", "raise KeyboardInterrupt #"), "raised KeyboardInterrupt"),
        ("def make(x):\n    sys.exit(3)\n", "raised SystemExit when it was tried as an optimizer: 3"),
    ],
)
def test_leaving_does_not_make_the_command_leave(body: str, words: str, command: Command) -> None:
    refused(command(body), words)


def test_a_hang_that_no_call_is_to_blame_for_is_told_what_was_exceeded(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "LEAST", 2.0)
    ended = command("time.sleep(100)\n", "--time-limit", "0.1")
    refused(ended, f"within 2 s, which the whole has: {CALLS} times --time-limit, and no less than 2 s")


# --- options that mean nothing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["nope", "optimizer.sgd"])
def test_a_line_for_an_optimizer_is_refused(line: str, command: Command) -> None:
    refused(command(SGD, "--line", line), "is an optimizer, and held against every optimizer line")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["keep=0.5", "keep=0.25"], "keep is given twice: keep=0.5 and keep=0.25"),
        (["--map", "beta=keep", "--map", "beta=kept"], "beta is given twice"),
        (["--value", "beta=1", "--value", "beta=1"], "beta is given twice"),
        (["--framework", "nope"], "nope"),
        (["--time-limit", "inf"], "--time-limit is inf"),
        (["--time-limit", "nan"], "--time-limit is nan"),
        (["--time-limit", "1e300"], "--time-limit is 1e+300"),
        (["--time-limit", "0"], "--time-limit is 0"),
    ],
)
def test_arguments_that_contradict_or_bound_nothing_are_named(options: Sequence[str], words: str, command: Command) -> None:
    refused(command(SGD, *options), words)
