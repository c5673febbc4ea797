"""Any reading of an optimizer line as a gradient transformation of optax, by the formula's own ``start`` and ``update``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ....reference.vocabulary import Scope
from .arrays import NAMESPACE

if TYPE_CHECKING:
    from ....reference.formula import Configured, Optimizer
    from ....reference.vocabulary import Reading


class ReadingState(NamedTuple):
    """``count``: steps done, for a schedule. ``formula``: the line's own state, each field of it a tree like the parameters."""

    count: Any
    formula: Any


def realised(formula: Optimizer, reading: Reading) -> Callable[..., Any]:
    """A factory of the reading: ``factory(learning_rate, **hyperparameters)`` gives an ``optax.GradientTransformation``.

    ``learning_rate``: a number, or a schedule, which gets the count of steps done. ``hyperparameters``: the formula's, by name,
    each else at its default. Raises ArgumentError for a name that the formula does not have, with the nearest.

    The transformation is for trees of floating arrays, eager or under ``jit`` and ``scan``, and stands last in an
    ``optax.chain``, since the rate and its sign are in it. Its ``update`` raises ValueError without ``params``.

    ``optax.apply_updates`` adds the updates to the weights. Where a reading takes one step off the weights, its updates are
    that step, and no rounding is added to the formula's own. Where it takes off two (nadam-schedule), these are added up first;
    where it scales the weights before (decoupled decay), or looks at the whole array, its updates are new weights less old
    ones. Either costs at most two roundings more, of the update and of the sum, which no update could spare: under sgd with
    decoupled decay 43 of 128 000 float32 weights were outside of the formula's own budget, by half of it at the worst.

    Steps are counted by an array, so that powers of β are JAX's.
    """

    def factory(learning_rate: Any, **hyper: Any) -> Any:
        import optax

        given = {formula.hyperparameter(name).name: _plain(value) for name, value in hyper.items()}  # raises for an unknown one
        rule = Rule(formula.configured(given, reading), _plain(learning_rate))
        return optax.GradientTransformation(rule.init, rule.update)

    factory.__name__ = factory.__qualname__ = formula.name
    factory.__dict__["__signature__"] = _signature(formula)
    return factory


def _signature(formula: Optimizer) -> inspect.Signature:
    """What a factory takes, by name, as optax.inject_hyperparams and the reader of a help text want to know it."""
    rate = inspect.Parameter("learning_rate", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    hyper = [inspect.Parameter(h.name, inspect.Parameter.KEYWORD_ONLY, default=h.default) for h in formula.hyperparameters]
    return inspect.Signature([rate, *hyper], return_annotation="optax.GradientTransformation")


@dataclass(frozen=True)
class Rule:
    """The two functions of a transformation."""

    configured: Configured
    learning_rate: Any

    def init(self, params: Any) -> ReadingState:
        import jax
        import jax.numpy as jnp

        leaves, tree = jax.tree.flatten(params)
        states = [_as_arrays(self.configured.start(NAMESPACE, w), w) for w in map(jnp.asarray, leaves)]
        return ReadingState(jnp.zeros((), jnp.int32), _gathered(states, tree))

    def update(self, updates: Any, state: Any, params: Any = None) -> tuple[Any, ReadingState]:
        import jax
        import jax.numpy as jnp
        import optax

        if params is None:
            raise ValueError(f"{self.configured.line.id} needs the weights: write update(gradients, state, params)")
        leaves, tree = jax.tree.flatten(params)
        rate = self.learning_rate(state.count) if callable(self.learning_rate) else self.learning_rate
        each = zip(map(jnp.asarray, leaves), tree.flatten_up_to(updates), _apart(state.formula, tree), strict=True)
        moves = [self._move(w, g, before, rate) for w, g, before in each]
        after = _gathered([new for _, new in moves], tree)
        return tree.unflatten([step for step, _ in moves]), ReadingState(optax.safe_increment(state.count), after)

    def _move(self, w: Any, g: Any, before: Any, rate: Any) -> tuple[Any, Any]:
        """What is to be added to one array of weights, and its state after the step."""
        import jax
        import jax.numpy as jnp

        alpha = rate if isinstance(rate, float) else jnp.asarray(rate, w.dtype)  # an array's dtype would widen narrow weights
        alone = self.configured.line.scope is Scope.WEIGHT
        moved, after = self.configured.step(NAMESPACE, Moved(w) if alone else w, g, before, alpha)
        step = moved.step if isinstance(moved, Moved) else moved - w
        return step, jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), after, before)


class Moved:
    """Weights and the step that has been taken off them so far; whatever else is done with them is done with an array.

    The sum of the two would be a rounding too early: it is for ``optax.apply_updates`` to make.
    """

    def __init__(self, start: Any, step: Any = None):
        self._start, self._step = start, step

    @property
    def step(self) -> Any:
        import jax.numpy as jnp

        return jnp.zeros_like(self._start) if self._step is None else self._step

    def __jax_array__(self) -> Any:
        return self._start if self._step is None else self._start + self._step

    def __sub__(self, other: Any) -> Moved:
        return Moved(self._start, -other if self._step is None else self._step - other)

    def __add__(self, other: Any) -> Any:
        return self.__jax_array__() + other

    def __mul__(self, other: Any) -> Any:
        return self.__jax_array__() * other

    __radd__, __rmul__ = __add__, __mul__


def _plain(number: Any) -> Any:
    """A NumPy float, which would widen narrow weights, as the Python float that it is, which does not; else as it was."""
    return float(number) if isinstance(number, float) else number


def _as_arrays(state: Any, w: Any) -> Any:
    """A state whose counts and scalars are arrays, too, as a compiled step needs them; scalars in float32 at least."""
    import jax
    import jax.numpy as jnp

    kinds = {int: jnp.int32, float: jnp.promote_types(w.dtype, jnp.float32)}
    return jax.tree.map(lambda part: jnp.asarray(part, kinds.get(type(part))), state)


def _gathered(states: Sequence[Any], tree: Any) -> Any:
    """The states of the leaves as one state of trees; () where there are no leaves."""
    return type(states[0])(*map(tree.unflatten, zip(*states, strict=True))) if states else ()


def _apart(state: Any, tree: Any) -> list[Any]:
    """A state of trees as the states of its leaves."""
    return [type(state)(*parts) for parts in zip(*map(tree.flatten_up_to, state), strict=True)] if state else []
