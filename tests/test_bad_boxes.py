"""Files that raise, hang, print or leave: the command says what they did in one line, and its standard output stays its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from gradspec.adapters.errors import BoxError
from gradspec.cli import main
from gradspec.crosscheck.answers import Identification, Question
from gradspec.crosscheck.identification import identify, isolated
from gradspec.crosscheck.identification.limits import CALLS, Spent, TimeLimit, within
from gradspec.reports import terminal

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


def test_a_box_that_leaves_its_dtype_is_told_which_one_to_name(command: Command) -> None:
    widening = SGD.replace("self.weights -= learning_rate * gradient", "self.weights = self.weights - np.float32(1) * gradient")
    refused(command(widening, "--dtype", "bfloat16"), "or name the dtype it works in: --dtype float32")


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
    refused(ended, "has given no sign of life for 2 s. It hangs at its import or where Python cannot interrupt it")
    assert f"(the whole has {CALLS} times that, and no less than 2 s)" in ended.err


HANGS_IN_C = "import itertools\n" + SGD.replace("self.weights -=", "sum(itertools.repeat(1)) #")


def test_a_hang_that_python_cannot_interrupt_is_ended(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "LEAST", 3.0)
    refused(command(HANGS_IN_C, "--time-limit", "0.1"), "has given no sign of life for 3 s")


# --- limits count a box's own time ----------------------------------------------------------------------------------

BUSY = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 1:\n    pass\n"


def test_what_a_box_imports_while_it_is_stepped_is_not_counted(tmp_path: Path, command: Command) -> None:
    (tmp_path / "slow_to_import.py").write_text(BUSY)
    importing = SGD.replace("self.weights -=", f"sys.path.insert(0, {str(tmp_path)!r}); import slow_to_import; self.weights -=")
    assert "optimizer.sgd" in command(importing, "--time-limit", "0.5").out
    busy = SGD.replace("self.weights -=", "exec(BUSY) #") + f"BUSY = {BUSY!r}\n"
    refused(command(busy, "--time-limit", "0.5"), "did not come back within 0.5 s")


def test_a_box_that_waits_is_said_to_wait_and_how_the_limit_is_raised(command: Command) -> None:
    ended = command(SGD.replace("self.weights -=", "time.sleep(100) #"), "--time-limit", "0.5")
    refused(ended, "for 0.5 s it has only waited. If it is slow and does not hang")


def test_a_limit_around_another_goes_on_after_it() -> None:
    with pytest.raises(TimeLimit) as hit, within(0.3):
        _after_another_limit()
    assert hit.value.spent is Spent.WORK


def _after_another_limit() -> None:
    with within(100):
        pass
    while True:
        pass


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


# --- steps that go nowhere, and rates that nobody steps with ---------------------------------------------------------

FROZEN = SGD.replace("self.weights -= learning_rate * gradient", "return self.weights")
FORGETFUL = SGD.replace("self.weights -= learning_rate * gradient", "new = self.weights - learning_rate * gradient")


@pytest.mark.parametrize(
    ("body", "words"),
    [(FROZEN, "moves no weight in 64 steps"), (FORGETFUL, "Its step returns None: let it return the new weights")],
)
def test_a_step_that_goes_nowhere_is_refused_at_once(body: str, words: str, command: Command) -> None:
    began = time.process_time()
    refused(command(body), words)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("rate", ["-1", "0", "1e999"])
def test_a_rate_that_cannot_be_stepped_with_is_refused_with_what_to_write(rate: str, command: Command) -> None:
    body = SGD.replace("keep=0.5", "learning_rate=0.1")
    refused(command(body, f"learning_rate={rate}"), "is no rate to step with: give a finite number above 0")


def test_a_box_that_loses_its_state_fails_where_it_was_asked_to_resume(command: Command) -> None:
    momentum = SGD.replace("self.weights = weights", "self.weights, self.keep, self.v = weights, keep, 0 * weights")
    momentum = momentum.replace("self.weights -= learning_rate * gradient", "self.v = self.keep * self.v + gradient{}")
    forgets = "\n    def __deepcopy__(self, memo):\n        return make(self.weights.copy(), self.keep)\n"
    keeps = momentum.format("; self.weights -= learning_rate * self.v")
    options = ("--map", "beta=keep", "--resumes")
    assert command(keeps, *options).status == 0
    assert command(keeps + forgets, *options[:2]).status == 0
    lost = command(keeps + forgets, *options)
    assert lost.status == 1 and "is lost, and starts anew" in " ".join(lost.out.split())


# --- functions whose signatures look like a maker's -------------------------------------------------------------------


def dot(w, x, b):
    return (w.T @ x).item() + b


def test_what_a_function_is_is_decided_by_what_comes_back() -> None:
    answer = identify(dot, lines=["logistic.z"])
    assert (answer.line, answer.verdict) == ("logistic.z", "identified")


# --- what is left behind, and what cannot be imported ---------------------------------------------------------------


def test_nothing_is_left_behind_in_the_folder_of_the_user(tmp_path: Path) -> None:
    asked = "import numpy as np; from gradspec import identify; import mine; print(identify(mine.make, runs=2).line)"
    (tmp_path / "mine.py").write_text(HEAD + SGD.replace("self.weights -=", "np.log(np.zeros(1)) / 0; self.weights -="))
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("optimizer.sgd\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("broken_here.f", "broken_here cannot be imported: RuntimeError: no GPU here"),
        ("whole_here.broken.f", "whole_here.broken cannot be imported: ZeroDivisionError: division by zero"),
        ("whole_here.nosuch.f", "whole_here has no 'nosuch'"),
    ],
)
def test_an_import_that_fails_is_said_in_the_words_of_what_was_imported(
    path: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "broken_here.py": "raise RuntimeError('no GPU here')",
        "whole_here/__init__.py": "",
        "whole_here/broken.py": "1 / 0",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BoxError, match=re.escape(words)):
        identify(path)


def test_a_question_at_which_a_box_breaks_down_is_said_to_be_open():
    class VectorsOnly:
        def __init__(self, weights, beta=0.9):
            self.w, self.m = weights, np.zeros_like(weights)

        def step(self, gradient, learning_rate):
            if gradient.ndim > 1 and gradient.shape[0] > 2:
                raise ValueError("vectors, please")
            self.m = 0.9 * self.m + np.sin(gradient) * np.abs(self.w)
            return self.w - learning_rate * self.m

    found = identify(VectorsOnly)
    assert isinstance(found, Identification) and found.verdict == "no-reading"
    assert [one.question for one in found.surroundings.unanswered] == [Question.MATRICES]
    assert "what it does to matrices" in terminal.text(found) and "vectors, please" in terminal.text(found)
