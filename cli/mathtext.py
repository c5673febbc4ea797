"""LaTeX as one line of Unicode text for a terminal: V ← (β₁V + (1−β₁)∂L/∂w)/(1−β₁)ᵗ.

latex2mathml parses; its tree says what belongs to a fraction or a root, so that no bracket is lost on the way.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

Node = Any  # xml.etree.ElementTree.Element

RELATIONS = set("=←→⇒≤≥<>≠∈≈≡∝⇔+−⊙×±∧∨↦:")
BEFORE_A_TERM = {"", *" ([{,;", *RELATIONS}
AFTER_A_TERM = {"", *" )]},;", *RELATIONS}
FUNCTIONS = ("ln", "log", "exp")
ACCENTS = {
    "¯": "\u0304",
    "‾": "\u0304",
    "^": "\u0302",
    "ˆ": "\u0302",
    "~": "\u0303",
    "˜": "\u0303",
    "˙": "\u0307",
    "→": "\u20d7",
}
SUPERSCRIPTS = str.maketrans("0123456789+−-=()tnixkzT⊤⊺′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵗⁿⁱˣᵏᶻᵀᵀᵀ′")
SUBSCRIPTS = str.maketrans("0123456789+−-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


def readable(latex: str) -> str:
    """``latex`` as a line of text; ``latex`` itself where it cannot be parsed, or where latex2mathml is not installed."""
    try:
        from latex2mathml.converter import convert_to_element

        return _tidy(_text(convert_to_element(latex)))
    except Exception:  # a parser of free text fails in whatever way it likes
        return latex


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip().replace("= =", "==")
    text = re.sub(r"([(\[{]) | (?=[)\]},;])", r"\1", text)
    text = re.sub(rf"({'|'.join(FUNCTIONS)}) (?=[(\[])", r"\1", text)
    text = re.sub(r"(?<=[^\s(])(?=[∑∏])", " ", text)
    return re.sub(r"(^|[(\[{=←⇒∈,:] ?)− ", r"\1−", text)  # a sign, not a subtraction


def _text(node: Node) -> str:
    tag = node.tag.rpartition("}")[2]
    return _RULES.get(tag, _row)(node)


def _row(node: Node) -> str:
    children = list(node)
    if not children:
        return _own(node)
    return "".join(_in_a_row(children, i) for i in range(len(children)))


def _in_a_row(siblings: Sequence[Node], i: int) -> str:
    """A fraction that is a factor is bracketed: (2/3)(ŷ − y)."""
    text = _text(siblings[i])
    if not _is_fraction(siblings[i]):
        return text
    before = _text(siblings[i - 1])[-1:] if i else ""
    after = _text(siblings[i + 1])[:1] if i + 1 < len(siblings) else ""
    stands_alone = before in BEFORE_A_TERM and after in AFTER_A_TERM
    return text if stands_alone else f"({text})"


def _is_fraction(node: Node) -> bool:
    return _tag(node) == "mfrac" or (_tag(node) in ("mstyle", "mrow") and len(node) == 1 and _is_fraction(node[0]))


def _tag(node: Node) -> str:
    return node.tag.rpartition("}")[2]


def _own(node: Node) -> str:
    text = html.unescape(node.text or "")
    if text in FUNCTIONS:
        return f" {text} "
    return "𝟙" if text == "1" and node.get("mathvariant") == "double-struck" else text


def _operator(node: Node) -> str:
    text = _own(node).replace("-", "−")
    if text in RELATIONS:
        return f" {text} "
    return f"{text} " if text in (",", ";") else text


def _fraction(node: Node) -> str:
    over, under = (_text(child).strip() for child in node)
    over = f"({over})" if " " in _outside_brackets(over) else over
    return f"{over}/({under})" if _is_product(_outside_brackets(under)) else f"{over}/{under}"


def _is_product(text: str) -> bool:
    """Whether ``text`` needs brackets as a divisor: a sum, a quotient, or several letters."""
    letters = sum(unicodedata.category(character) in ("Lu", "Ll") for character in text)
    return letters > 1 or any(character in " /·" for character in text)


def _outside_brackets(text: str) -> str:
    depth, kept = 0, []
    for character in text:
        depth += character in "([{"
        if depth == 0:
            kept.append(character)
        depth -= character in ")]}"
    return "".join(kept)


def _root(node: Node) -> str:
    inside = "".join(_text(child) for child in node).strip()
    return f"√{inside}" if len(inside) == 1 else f"√({inside})"


def _raised(node: Node) -> str:
    base, power = node
    return _text(base) + _script(_text(power), SUPERSCRIPTS, "^")


def _lowered(node: Node) -> str:
    base, index = node
    return _text(base) + _script(_text(index), SUBSCRIPTS, "_") + _gap(base)


def _both(node: Node) -> str:
    base, index, power = node
    return _text(base) + _script(_text(index), SUBSCRIPTS, "_") + _script(_text(power), SUPERSCRIPTS, "^") + _gap(base)


def _gap(base: Node) -> str:
    return " " if _own(base) in ("∑", "∏", "max", "min") else ""


def _script(text: str, table: dict[int, int], mark: str) -> str:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return text.replace(" ", "")  # a layer: W[l+1], as the sheet prints it
    if text.startswith("′") and text != "′":
        return "′" + _script(text[1:], table, mark)
    tight = text.replace(" ", "")
    if all(ord(character) in table for character in tight):
        return tight.translate(table)
    return f"{mark}{tight}" if len(tight) == 1 else f"{mark}({text})"


def _accented(node: Node) -> str:
    base, accent = (_text(child).strip() for child in node)
    if accent not in ACCENTS:
        return base + _script(accent, SUPERSCRIPTS, "^")
    return "".join(character + ACCENTS[accent] for character in base)


def _table(node: Node) -> str:
    return "; ".join("".join(_text(cell) for cell in row).strip() for row in node)


_RULES: dict[str, Callable[[Node], str]] = {
    "mi": _own,
    "mn": _own,
    "mtext": _own,
    "mo": _operator,
    "mspace": lambda _: " ",
    "mfrac": _fraction,
    "msqrt": _root,
    "msup": _raised,
    "msub": _lowered,
    "msubsup": _both,
    "munder": _lowered,
    "munderover": _both,
    "mover": _accented,
    "mtable": _table,
}
