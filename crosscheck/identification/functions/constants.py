"""Numbers inside of options that are whatever their author wrote: read off what a function returns, and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ....adapters.errors import BoxError
from ....reference.vocabulary import Axis, Constant
from ...arithmetic.formats import Precision, precision
from ...findings import Label
from ...inputs.samples import Sample
from .callables import Refusal
from .overlay import Overlay

DIGITS = 4  # of a number that a person wrote


def fitted(overlay: Overlay) -> Iterator[Overlay]:
    """The overlay over the same line with other numbers in the options of one axis, as the function's value has them."""
    for axis in overlay.line.axes:
        changed = _fitted(axis, overlay)
        if changed is not axis:
            axes = tuple(changed if one is axis else one for one in overlay.line.axes)
            yield overlay.over(replace(overlay.line, axes=axes))


def _fitted(axis: Axis, overlay: Overlay) -> Axis:
    found = {o.name: _number(o.constant, overlay) for o in axis.options if o.constant is not None}
    if not any(found.values()):
        return axis
    options = list(axis.options)
    for i, option in enumerate(options):
        number = found.get(option.name)
        if option.constant is not None and number:
            options[i] = replace(option, does=option.constant.made(number), constant=replace(option.constant, value=number))
    return replace(axis, options=tuple(options))


def _number(constant: Constant, overlay: Overlay) -> float | None:
    """The number that the function has in the place of a constant, as shortly as its value allows; None where it has none."""
    call, p = overlay.call, precision(overlay.dtype)
    shape = (1,) * len(overlay.formula.output)
    arrays = {name: np.asarray(array).astype(p.numpy) for name, array in constant.probe.items()}
    with suppress(Refusal, BoxError):
        sample = Sample(Label("plain"), arrays, overlay.settings, np.ones(shape, p.numpy))
        value = float(call.observe(sample, ())["value"].ravel()[0])
        with suppress(OverflowError):
            number = constant.read(value)
            return _short(number, abs(value), p) if np.isfinite(number) and number > 0 else None
    return None


def _short(number: float, size: float, p: Precision) -> float:
    """The number of the fewest digits, or the float32 next to one, that is this one but for the rounding of the value."""
    reach = float(p.u) * (size + 2) * 2
    written = [float(f"{number:.{digits}e}") for digits in range(DIGITS)]
    for one in (*written, float(2 * p.u), *(float(np.float32(one)) for one in written)):
        if abs(one - number) <= reach * number:
            return one
    return number
