"""gradspec: which formula an optimizer or a function really implements, and how to write the same one elsewhere.

``identify`` says which reading of which line a black box implements, ``port`` writes an optimizer for another framework,
``catalogue`` and ``line`` give the formulas themselves, which ``reference`` also has by name: ``gradspec.reference.adam``.
What a name needs is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gradspec import reference as reference
    from gradspec.crosscheck.answers import FunctionAnswer, Identification, Port
    from gradspec.reference import catalogue
    from gradspec.reference import line as line

__all__ = ["__version__", "catalogue", "identify", "line", "port", "reference"]
__version__ = "0.1.0"


def identify(
    target: Any,
    given: Mapping[str, Any] | None = None,
    *,
    lines: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    values: Mapping[str, float] | None = None,
    dtype: str = "",
    framework: str = "",
    seed: int = 0,
    time_limit: float = 10.0,
    runs: int = 12,
) -> Identification | FunctionAnswer:
    """Which reading of which line ``target`` implements, from what it does to the numbers that it is given.

    >>> import numpy as np
    >>> from gradspec import identify
    >>> def mine(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> answer = identify(mine)
    >>> answer.line, answer.verdict
    ('scalar.sigmoid', 'identified')
    >>> answer.must_be("sigmoid")

    target: an optimizer: a torch.optim.Optimizer class, an optax factory or transformation, a Keras or MLX optimizer, or a
        callable ``make(weights, **hyperparameters)`` whose result has ``step(gradient, learning_rate)``. Or a function over
        arrays, or a pair of a function and its vjp. Or the name of one: ``"torch.optim.Adam"``, ``"./mine.py:make"``.
    given: arguments for it, by its own names.
    lines: ids of the lines to compare a function with; an optimizer is compared with all of its kind.
    names: what a line calls an argument -> the target's own name for it, where that is not seen from the name.
    values: values of hyperparameters that an optimizer has but does not take as arguments.
    dtype: of weights or arguments; float64 where the target can.
    framework: the one that it belongs to, where its type does not tell.
    seed: of the numbers that are drawn.
    time_limit: seconds for one call of the target.
    runs: how many an optimizer is given to confirm its reading.

    Returns the answer as data; ``print(answer)`` shows it in full, and ``answer.must_be("adam", "standard")`` asserts it in a
    test. Raises BoxError, which says what to do, for a target that cannot be used, and ArgumentError for an unknown name.
    """
    from gradspec.crosscheck.identification import identify as identified
    from gradspec.reports.terminal.shown import shown

    return shown(
        identified(
            target,
            given,
            lines=lines,
            names=names,
            values=values,
            dtype=dtype,
            framework=framework,
            seed=seed,
            time_limit=time_limit,
            runs=runs,
        )
    )


def port(source: Any, to: str, *, rate: float | None = None, given: Mapping[str, Any] | None = None) -> Port:
    """``source``, an optimizer, written for another framework, and proved on traces to be the same there.

    >>> from gradspec import port
    >>> written = port("torch.optim.SGD", "optax", rate=0.1, given={"momentum": 0.9})
    >>> print(written.code)
    import optax
    <BLANKLINE>
    optimizer = optax.sgd(learning_rate=0.1, momentum=0.9)
    <BLANKLINE>
    >>> written.verdict
    'same'

    source: an answer of ``identify``, or what ``identify`` takes.
    to: the framework to write it for: an adapter (``"pytorch"``), its package (``"torch"``) or a module (``"optax"``).
    rate: the learning rate, where it is not the optimizer's own.
    given: arguments for ``source``, by its own names, where it is not an answer.

    Returns the port as data; ``print(written)`` shows it in full: the code, the proof, and, where no setting is the same, what
    remains. Raises BoxError for a framework that is not known or not installed, for a function, and for an optimizer that no
    reading fits.
    """
    from gradspec.crosscheck.answers import Answer
    from gradspec.crosscheck.porting import port as ported
    from gradspec.crosscheck.porting import target
    from gradspec.reports.terminal.shown import shown

    target(to)  # its error is said before any work
    answer = source if isinstance(source, Answer) else identify(source, given)
    return shown(ported(answer, to, rate=rate))


if not TYPE_CHECKING:  # to a type checker each name is what is imported above, and another is an error

    def __getattr__(name: str) -> Any:
        """The names that load NumPy, when they are first used."""
        if name not in ("catalogue", "line", "reference"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        reference = import_module(".reference", __name__)
        return reference if name == "reference" else getattr(reference, name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _in_a_checkout() -> list[str]:
    """Where the packages are in a checkout: beside this folder, which Python finds first when it is started there."""
    from pathlib import Path

    root = Path(__file__).parents[1]
    return [str(root)] if (root / "pyproject.toml").is_file() else []


__path__ += _in_a_checkout()
