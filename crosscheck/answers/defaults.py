"""The defaults of optimizers of one name, side by side."""

from __future__ import annotations

from msgspec import Struct

Value = float | bool | str | None


class Default(Struct, frozen=True):
    """An argument's default, and the name that it has there; where it is ``required`` it has none."""

    own: str
    value: Value
    required: bool = False


class Row(Struct, frozen=True):
    """A hyperparameter by gradspec's name, or an argument that is none of the line's (``extra``) by its own, and what each
    optimizer has for it; one that is not there is left out. It ``differs`` where two numbers or flags among them are not
    equal."""

    name: str
    defaults: dict[str, Default]
    differs: bool
    extra: bool = False


class Table(Struct, frozen=True):
    """The optimizers of one name. ``columns`` are their dotted names, the reference's own defaults first where it has a line of
    that name; ``line`` is that line, or ""."""

    name: str
    line: str
    columns: list[str]
    rows: list[Row]


class Defaults(Struct, frozen=True):
    """The ``tables``, one for each name; ``missing`` are the frameworks that are not installed, each with the command that
    does so."""

    tables: list[Table]
    versions: dict[str, str]
    missing: dict[str, str]

    def __repr__(self) -> str:
        return f"<defaults of {', '.join(table.name for table in self.tables)}>"
