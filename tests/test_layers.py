"""The house's rules: who may import whom, and that nothing imports a framework before it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from gradspec.adapters import framework, framework_names

ROOT = Path(__file__).parents[1]
FRAMEWORKS = {"torch", "jax", "jaxlib", "optax", "flax", "tensorflow", "keras", "mlx"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True)
class Rule:
    """What a folder's modules may import: names in gradspec, and top-level names from elsewhere (besides the stdlib)."""

    within: tuple[str, ...]
    outside: tuple[str, ...]


RULES = {
    "reference": Rule(("reference",), ("numpy",)),
    "adapters": Rule(("adapters", "reference"), ("numpy", "ml_dtypes")),
    "crosscheck": Rule(
        ("crosscheck", "adapters", "reference"),
        ("numpy", "ml_dtypes", "flint", "sympy", "hypothesis", "msgspec", "pebble"),
    ),
    "reports": Rule(
        ("reports", "crosscheck.findings"), ("numpy", "msgspec", "rich", "jinja2", "markupsafe", "latex2mathml", "matplotlib")
    ),
    "cli": Rule(
        ("__version__", "cli", "reports", "crosscheck", "adapters", "reference"), ("numpy", "msgspec", "rich", "latex2mathml")
    ),
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """The absolute dotted names that ``module`` imports anywhere in it, in functions and under TYPE_CHECKING too."""
    home = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*home[: len(home) - node.level + 1], *filter(None, [node.module])] if node.level else [node.module or ""]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def violations(package: str, names: Iterator[str], own: frozenset[str] = frozenset()) -> list[str]:
    """Those of the imported ``names`` that a module of ``package`` may not have; ``own`` are an adapter's own frameworks."""
    rule = RULES[package]
    return [name for name in names if not _allowed(name, rule, own)]


def _allowed(name: str, rule: Rule, own: frozenset[str]) -> bool:
    top, _, rest = name.partition(".")
    if top == "gradspec":
        return any(rest == prefix or rest.startswith(f"{prefix}.") for prefix in rule.within)
    return top in sys.stdlib_module_names or top in rule.outside or top in own


def own_frameworks(package: str, path: Path) -> frozenset[str]:
    parts = path.relative_to(ROOT).parts
    owner = Path(parts[2]).stem if parts[:2] == ("adapters", "frameworks") else ""
    if owner not in framework_names():
        return frozenset()
    return frozenset(module.partition(".")[0] for module in framework(owner).modules.values())


@pytest.mark.parametrize("package", RULES)
def test_a_layer_imports_only_what_stands_below_it(package: str) -> None:
    found = {}
    for path in modules(package):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(("gradspec", *(parts[:-1] if is_package else parts)))
        names = imported(path.read_text(encoding="utf-8"), module, is_package)
        if bad := violations(package, names, own_frameworks(package, path)):
            found[str(path.relative_to(ROOT))] = bad
    assert modules(package)
    assert not found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gradspec.reference.x", "import torch"),
        ("gradspec.reference.x", "from ..adapters import load"),
        ("gradspec.reference.lines.x", "from ...crosscheck.fit import fit"),
        ("gradspec.reference.x", "def f():\n    import msgspec"),
        ("gradspec.adapters.x", "from ..crosscheck.findings import Cell"),
        ("gradspec.adapters.contract", "import torch.nn"),
        ("gradspec.crosscheck.x", "from ..reports import store"),
        ("gradspec.crosscheck.arithmetic.x", "from gradspec.cli import main"),
        ("gradspec.crosscheck.x", "import jax.numpy as jnp"),
        ("gradspec.reports.x", "from ..crosscheck import fit"),
        ("gradspec.reports.x", "from ..reference import catalogue"),
        ("gradspec.reports.x", "from ..crosscheck.findings_of_another_kind import Cell"),
        ("gradspec.cli.x", "from ..tests.test_layers import RULES"),
        ("gradspec.cli.x", "import optax"),
    ],
)
def test_the_layer_check_catches(module: str, source: str) -> None:
    assert violations(module.split(".")[1], imported(source, module))


# --- the inner rooms, and circles -----------------------------------------------------------------------------------

# The rooms of the engine: each may import those before it.
ROOMS = (
    "findings",
    "arithmetic",
    "inputs",
    "readings",
    "witnesses",
    "cells",
    "sheet",
    "campaign",
    "identification",
    "porting",
)


def upwards(room: str, names: Iterable[str]) -> list[str]:
    """Those of the imported ``names`` that are of a room above this one, or of none."""
    below = ROOMS[: ROOMS.index(room) + 1]
    inner = (name.split(".") for name in names if name.startswith("gradspec.crosscheck."))
    return [".".join(parts) for parts in inner if parts[2] not in below]


def parsed(path: Path) -> tuple[str, bool, str]:
    """A file's module name, whether it is a package, and its source."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    return ".".join(("gradspec", *(parts[:-1] if is_package else parts))), is_package, path.read_text(encoding="utf-8")


def test_a_room_of_the_engine_imports_only_rooms_before_it() -> None:
    found: dict[str, list[str]] = {}
    for path in modules("crosscheck"):
        module, is_package, source = parsed(path)
        if module != "gradspec.crosscheck" and (bad := upwards(module.split(".")[2], imported(source, module, is_package))):
            found[module] = bad
    assert not found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gradspec.crosscheck.arithmetic.x", "from ..readings import compare"),
        ("gradspec.crosscheck.cells.x", "def f():\n    from ..campaign.run import Plan"),
        ("gradspec.crosscheck.campaign.x", "from ..identification import identify"),
        ("gradspec.crosscheck.findings", "from .arithmetic import formats"),
        ("gradspec.crosscheck.porting.x", "from ..another import room"),
    ],
)
def test_the_room_check_catches(module: str, source: str) -> None:
    assert upwards(module.split(".")[2], imported(source, module))


def circles(sources: Mapping[str, tuple[bool, str]]) -> list[list[str]]:
    """The circles among modules, given as name -> (whether it is a package, its source); what is imported in a function
    counts, what is imported for type checkers alone does not."""
    graph = {
        name: {found for one in imported(executed(source), name, is_package) if (found := owner(one, sources))} - {name}
        for name, (is_package, source) in sources.items()
    }
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        return [error.args[1]]
    return []


def owner(name: str, known: Iterable[str]) -> str:
    """The module that an imported name is, or is taken from."""
    return name if name in known else name.rpartition(".")[0] if name.rpartition(".")[0] in known else ""


def executed(source: str) -> str:
    """The source without what stands under ``if TYPE_CHECKING``."""

    class Stripped(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST:
            return ast.Pass() if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Stripped().visit(ast.parse(source))))


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = [parsed(path) for package in RULES for path in modules(package)]
    assert not circles({name: (is_package, source) for name, is_package, source in files})


def test_the_check_for_circles_sees_one_that_is_lazy() -> None:
    one, other = "def f():\n    from .other import g", "from . import one"
    both = {"gradspec.one": (False, one), "gradspec.other": (False, other)}
    assert circles(both)
    assert not circles(both | {"gradspec.other": (False, "if TYPE_CHECKING:\n    from . import one")})


@pytest.mark.parametrize("package", [*RULES, "tests", "benchmarks"])
def test_no_module_has_a_vague_name(package: str) -> None:
    assert not [path for path in modules(package) if path.stem in VAGUE]


def loaded_by(code: str) -> set[str]:
    """The top-level modules outside the standard library that ``code`` loads in a fresh process, beside those of start-up."""
    report = "import sys; print('loaded:', *sorted({name.partition('.')[0] for name in sys.modules}))"

    def top_level(source: str) -> set[str]:
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, encoding="utf-8")
        return set(done.stdout.rpartition("loaded:")[2].split())

    return top_level(f"{code}\n{report}") - top_level(report) - sys.stdlib_module_names


def test_importing_the_reference_loads_nothing_but_numpy() -> None:
    code = "import gradspec.reference as r; r.catalogue(); r.adam; r.sigmoid([1.0])"
    assert loaded_by(code) <= {"gradspec", "numpy"}


def test_importing_the_adapters_loads_no_framework() -> None:
    code = "from gradspec.adapters import framework, framework_names\nfor name in framework_names(): framework(name)"
    assert not loaded_by(code) & FRAMEWORKS


@pytest.mark.parametrize(
    "command", ["--help", "lines", "lines --json", "explain optimizer.adam", "report --help", "show --help"]
)
def test_the_command_line_loads_no_framework_to(command: str) -> None:
    code = f"from gradspec.cli import main\ntry: main({command.split()!r})\nexcept SystemExit: pass"
    assert not loaded_by(code) & FRAMEWORKS


def test_the_engine_and_the_reports_load_no_framework() -> None:
    code = "\n".join(
        f"import gradspec.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}"
        for package in ("crosscheck", "reports")
        for path in modules(package)
        if not path.stem.startswith("__")
    )
    assert not loaded_by(code) & FRAMEWORKS


def test_the_check_for_loaded_frameworks_sees_one(tmp_path: Path) -> None:
    (tmp_path / "optax.py").write_text("")
    assert "optax" in loaded_by(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import optax")
