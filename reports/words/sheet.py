"""What was found out about the sheet itself, in words: properties, proofs, contested points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...crosscheck.findings import Breach, Check, Deviation, LineInfo, Proof
from .samples import label, place

# --- properties -----------------------------------------------------------------------------------------------------

DEEDS = {
    "combined": "pulling back 3c - d",
    "split": "taken apart into {} + {}",
    "doubled": "with every example twice",
    "swapped": "with the first two of {} exchanged",
    "rolled": "{} rotated by one",
    "beside": "beside element {}",
}
FAULTS = {
    "differs": "{of} is {found} instead of {expected}",
    "exceeds": "{of} is {found}, which may be at most {expected}",
    "outside": "{of} is {found}, which is no share of {expected}",
    "shape": "{of} has shape {found} instead of {expected}",
    "undefined": "{of} is undefined",
}


def check_detail(check: Check) -> str:
    """What broke a property; "" where it holds."""
    if check.first is not None:
        return f"broken in {check.broken} of {check.trials}, first {breach(check.first)}"
    return "" if check.trials else f"no value on any of {check.without} samples: {check.why}"


def breach(found: Breach) -> str:
    """Where a trial fails, what was done, and what was found."""
    where = f"on {sample(found)}" if found.sample else f"for {_pairs(found.hyper) or 'any hyperparameters'}"
    return f"{where}: " + ", ".join(filter(None, [_step(found.step), _deed(found.after), _fault(found)]))


def _fault(found: Breach) -> str:
    words = FAULTS[found.fault].format(of=place(found.of, found.index), found=found.found, expected=found.expected)
    return words + (f", off by {found.difference}" if found.found == found.expected != "" else "")


def _step(step: int) -> str:
    return f"at t = {step}" if step else ""


def _deed(after: Sequence[str]) -> str:
    """What was done to a sample; a deed without words of ours by its data."""
    deed, *details = after or [""]
    return DEEDS[deed].format(*details) if deed in DEEDS else " ".join(after)


def sample(found: Breach) -> str:
    """A sample by its label and its numbers or, where these are many, its sizes."""
    numbers = ", ".join(f"{name} = {_array(values)}" for name, values in found.inputs.items()) or _pairs(found.sizes)
    return f"“{label(found.sample)}” ({numbers})" if found.sample else ""


def _array(values: Any) -> str:
    return np.array2string(np.asarray(values), precision=6, separator=", ").replace("\n", "")


def _pairs(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in values.items())


# --- proofs ---------------------------------------------------------------------------------------------------------


def proof_role(proof: Proof) -> str:
    """Which reading was put to the proof."""
    return f"standard but {proof.axis}" if proof.role == "standard-but" else proof.role


def proof_detail(proof: Proof) -> str:
    """How a proof went, in a sentence."""
    unfit = f"no value for {_pairs(proof.unfit)}: {proof.why}" if proof.unfit else ""
    return "; ".join(filter(None, (unfit, _attempt(proof)))) + "."


def _attempt(proof: Proof) -> str:
    at = f"for {_pairs(proof.shapes)}"
    if proof.outcome == "proved":
        return f"all {proof.entries} entries, all symbols positive {at}"
    if proof.outcome == "no value":
        return ""
    if proof.counterexample is None:
        return f"∂/∂{proof.of} has shape {tuple(proof.shape)}, the reading gives {tuple(proof.given_shape)} {at}"
    return f"the cotangent of {place(proof.of, proof.index)} differs {at}"


def counterexample(proof: Proof) -> str:
    """Numbers at which the derivative and the reading differ; "" where there is none."""
    if (found := proof.counterexample) is None:
        return ""
    where = ", ".join(f"{symbol}={value}" for symbol, value in found.at.items())
    return f"at {where}: the derivative is {found.derivative}, the reading gives {found.given}"


# --- contested points -----------------------------------------------------------------------------------------------


def question(deviation: Deviation, line: LineInfo | None) -> str:
    """The catalogue's question or, where it has none, which of the options."""
    axis = next((axis for axis in line.axes if axis.name == deviation.axis), None) if line else None
    options = [option.name for option in axis.options] if axis else [deviation.printed, deviation.rival]
    return deviation.question or f"{deviation.axis}: {' or '.join(options)}?"


def conclusion(deviation: Deviation) -> str:
    """What was counted, proved and tested, in a sentence."""
    parts = [*_counted(deviation)] or ["No subject in this run tells the options apart"]
    if deviation.refuted:
        parts.append(f"with {deviation.axis}={deviation.printed} the cotangent does not follow from the forward line")
    if deviation.breaks:
        parts.append("the printed option breaks " + ", ".join(deviation.breaks))
    return "; ".join(parts) + "."


def _counted(deviation: Deviation) -> Iterator[str]:
    """How many of the frameworks' own functions fit which option, and what differentiating the printed line gives."""
    ranked = sorted(deviation.natives.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    if total := sum(len(names) for _, names in ranked):
        shares = ", ".join(f"{len(names)} fit {option}" for option, names in ranked)
        yield f"Of {total} functions of the frameworks' own that tell the options apart, {shares}"
    for option, packages in sorted(deviation.derived.items()):
        yield f"the printed line run as code gives {option} in {' and '.join(packages)}"


def evidence(deviation: Deviation, line: LineInfo | None) -> list[str]:
    """The properties that tell the readings of a line apart, each in a sentence."""
    return [
        f"{check.words}: {'holds' if check.holds else 'fails'} for {_role(check.reading, line)}"
        + (f" ({detail})" if (detail := check_detail(check)) else "")
        for check in deviation.evidence
    ]


def _role(reading: dict[str, str], line: LineInfo | None) -> str:
    axes = line.axes if line else []
    if reading == {axis.name: axis.printed for axis in axes}:
        return "the printed reading"
    odd = {axis.name: reading[axis.name] for axis in axes if reading.get(axis.name, axis.standard) != axis.standard}
    return "the standard reading" + (f" with {', '.join(f'{axis}={option}' for axis, option in odd.items())}" if odd else "")
