"""LaTeX to MathML that is safe to put into a page: known elements and attributes only, every text escaped.

latex2mathml's own serialisation lets ``\\text{<script>}`` through as it stands, so its tree is rebuilt here instead.
"""

from __future__ import annotations

import html
import re
import string
from functools import cache
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

# fmt: off
ELEMENTS = frozenset((
    "math", "mrow", "mi", "mn", "mo", "mtext", "ms", "mspace", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose",
))
ATTRIBUTES = frozenset((
    "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle", "fence", "form",
    "height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "notation",
    "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width",
))
# fmt: on
ACCENTS = frozenset("\u00af^~\u02d9\u02c6\u02dc\u2192\u20d7\u00b7")
BARS = ("|", "‖", "∥")
# A long line may wrap where the sheet itself leaves a gap.
GAPS = re.compile(r"\\;?\s*\\Rightarrow\b|\\Rightarrow\b|\\q?quad\b")


# \left is not \leftarrow, and \{ is a brace that is printed.
PAIRS = ((r"(?<!\\)\{", r"(?<!\\)\}"), (r"\\left(?![a-z])", r"\\right(?![a-z])"), (r"\\begin\b", r"\\end\b"))


class NotTypeset(ValueError):
    """LaTeX that does not become MathML; the page shows its source instead."""


@cache
def typeset(latex: str) -> Markup:
    """MathML in pieces between which a narrow page may wrap, or the LaTeX itself, escaped, where it cannot be converted."""
    if not latex.strip():
        return Markup("")
    try:
        pieces = [_typeset_piece(piece) for piece in _pieces(latex)]
    except NotTypeset:
        return Markup('<code class="latex">{}</code>').format(latex)
    return Markup('<span class="maths">{}</span>').format(Markup(" ").join(pieces))


def _pieces(latex: str) -> list[str]:
    """Split at gaps that stand outside of all braces and environments; an arrow stays with what follows it."""
    cuts = [found.start() for found in GAPS.finditer(latex) if _is_outside(latex[: found.start()])]
    spans = zip([0, *cuts], [*cuts, len(latex)], strict=True)
    return [piece for piece in (latex[start:end] for start, end in spans) if _says_something(piece)]


def _is_outside(before: str) -> bool:
    return all(len(re.findall(a, before)) == len(re.findall(b, before)) for a, b in PAIRS)


def _says_something(piece: str) -> bool:
    return bool(re.sub(r"\\q?quad\b|\\[;,!]|\s", "", piece))


def _typeset_piece(latex: str) -> Markup:
    from latex2mathml.converter import convert_to_element

    latex = re.sub(r"^\s*\\q?quad\b|\\;\s*$", "", latex)
    try:
        tree = convert_to_element(latex, display="block")  # a sum's limits go below and above it
    except Exception as error:  # a parser of free text fails in whatever way it likes: IndexError, KeyError, its own
        raise NotTypeset(latex) from error
    root = _rebuilt(tree)
    root.set("display", "inline")
    root.set("displaystyle", "true")
    return Markup(tostring(root, encoding="unicode"))


def _rebuilt(node: Element) -> Element:
    tag = node.tag.rpartition("}")[2]
    if tag not in ELEMENTS:
        raise NotTypeset(tag)
    new = Element(tag, {name: value for name, value in node.attrib.items() if name in ATTRIBUTES})
    text = html.unescape(node.text or "")
    if text.startswith("\\"):
        raise NotTypeset(text)  # a command that latex2mathml does not know
    new.text = _styled(text, new.attrib.pop("mathvariant", None)) if text else None
    if new.text and tag == "mi" and node.get("mathvariant") == "normal":
        new.set("mathvariant", "normal")  # the only variant that browsers still read
    new.extend(_joined([_rebuilt(child) for child in node]))
    if tag == "mo" and new.text in BARS and "form" not in new.attrib:
        new.set("stretchy", "false")  # without \\left and \\right a browser stretches only one of the two
    if tag == "mover" and len(new) == 2 and (new[1].text or "") in ACCENTS:
        new.set("accent", "true")
    return new


def _joined(nodes: list[Element]) -> list[Element]:
    """Two equals signs in a row are one operator, ``==``."""
    joined: list[Element] = []
    for node in nodes:
        if joined and node.tag == joined[-1].tag == "mo" and node.text == joined[-1].text == "=":
            joined[-1].text = "=="
        else:
            joined.append(node)
    return joined


def _styled(text: str, variant: str | None) -> str:
    return text.translate(_letters(variant)) if variant in ("bold", "double-struck") else text


@cache
def _letters(variant: str) -> dict[int, int]:
    upper, digit = {"bold": (0x1D400, 0x1D7CE), "double-struck": (0x1D538, 0x1D7D8)}[variant]
    letters = string.ascii_uppercase + string.ascii_lowercase
    table = {ord(letter): upper + i for i, letter in enumerate(letters)}
    table |= {ord(character): digit + i for i, character in enumerate(string.digits)}
    if variant == "double-struck":  # these seven were in Unicode before the block
        table |= {ord(a): ord(b) for a, b in zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)}
    return table
