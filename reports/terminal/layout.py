"""What the texts are laid out with: paragraphs that hang from a name, and tables."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 100


def sections(*parts: Iterable[str]) -> str:
    """Parts of a text, each of lines, with an empty line between them; those without lines are left out."""
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines)


def item(name: str, words: str, indent: int = 0) -> str:
    """A paragraph that hangs from a name."""
    head = " " * indent + (f"{name}  " if name else "")
    hang = " " * max(len(head), indent + 2)
    return textwrap.fill(
        words, WIDTH, initial_indent=head, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )


def indented(source: str) -> Iterator[str]:
    """Code, as it is."""
    yield from (f"    {row}".rstrip() for row in source.rstrip().splitlines())


def table(rows: Sequence[Sequence[str]], head: Sequence[str] = (), indent: int = 2) -> Iterator[str]:
    """Rows in columns; what is too wide for its column goes over several lines."""
    grid = Table(box=None, show_header=bool(head), header_style="", pad_edge=False, padding=(0, 2, 0, 0))
    for i in range(len(head or rows[0])):
        grid.add_column(Text(head[i]) if head else "", overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console = Console(file=io.StringIO(), width=WIDTH - indent, color_system=None, legacy_windows=False)
    with console.capture() as drawn:
        console.print(grid)
    yield from (f"{' ' * indent}{line}".rstrip() for line in drawn.get().splitlines())
