"""The house's rules: who may import whom, and that nothing imports a framework before it is asked for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from gradspec.adapters import framework, framework_names
from gradspec.reference import Optimizer, catalogue

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
        ("reports", "crosscheck.findings", "crosscheck.answers"),
        ("numpy", "msgspec", "rich", "jinja2", "markupsafe", "latex2mathml", "matplotlib"),
    ),
    "cli": Rule(
        ("__version__", "cli", "reports", "crosscheck", "adapters", "reference"), ("numpy", "msgspec", "rich", "latex2mathml")
    ),
    "gradspec": Rule(("reports", "crosscheck", "adapters", "reference"), ()),
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
        ("gradspec.reports.terminal.x", "from ...crosscheck.identification import identify"),
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
    "answers",
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


# --- the engine knows no formula by name, and no English ------------------------------------------------------------

# Names of the catalogue that say nothing of a formula where the engine uses them: NumPy's and Python's own, and plain English.
NUMPYS = "all broadcast divide eps identity ignore max maximum min nan ones prod reciprocal sign split sum".split()
ENGLISH_WORDS = "difference elements epsilon examples expression factor first last loss no one outside path rate second".split()
ORDINARY = frozenset([*NUMPYS, *ENGLISH_WORDS, "slope", "start", "stored", "two", "zero"])

# It writes programs, whose comments are for people.
PROGRAMS = {"crosscheck/cells/script.py"}

ENGLISH = re.compile(r"[A-Za-z’']{2,},?(?: [A-Za-z’']+,?){2,}")  # three words and more


def catalogued() -> frozenset[str]:
    """The ids, last names and groups of all lines, and the names of their axes, options and hyperparameters."""
    found: set[str] = set()
    for line in catalogue(beyond=True).values():
        found |= {line.id, line.name, line.id.partition(".")[0] + "."}
        found |= {axis.name for axis in line.axes} | {option for axis in line.axes for option in axis.names}
        if isinstance(line, Optimizer):
            found |= {hyper.name for hyper in line.hyperparameters}
    return frozenset(found - ORDINARY)


def said(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of code, without docstrings and without what is raised."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.Raise) and not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield child
            yield from said(child)


def words(node: ast.AST) -> list[str]:
    """The names that a node may mention: that of a variable, an attribute or an argument, or the words of a string."""
    match node:
        case ast.Constant(value=str(text)):
            return [word for raw in re.findall(r"[\w.-]+", text) for word in (raw, raw.rstrip("."))]
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return [name]
    return []


def named(source: str) -> set[str]:
    """The catalogue's names that a module of the engine mentions."""
    return {word for node in said(ast.parse(source)) for word in words(node)} & catalogued()


def english(source: str) -> list[str]:
    """The strings of a module that are English: neither docstrings nor what is raised, nor source code that is written."""
    strings = [node.value for node in said(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in strings if ENGLISH.search(text) and not is_code(text)]


def is_code(text: str) -> bool:
    """Whether a string is a statement of Python, such as ``from math import inf``."""
    try:
        return bool(ast.parse(text.strip()).body)
    except SyntaxError:
        return False


ENGINE = [str(path.relative_to(ROOT)) for path in modules("crosscheck")]


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_knows_no_formula_by_name(module: str) -> None:
    assert not named((ROOT / module).read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", [module for module in ENGINE if module not in PROGRAMS])
def test_the_engine_speaks_no_english(module: str) -> None:
    assert not english((ROOT / module).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "if line.id == 'optimizer.adam': pass",
        "LINES = ('scalar.', )",
        "x = h.beta1",
        "search(beta2=0.5)",
        "def f(weight_decay): return weight_decay",
        "x = reading['ties']",
        "x = reading.but(correction='complement-of-power')",
        "x = f'in {rate} of rmsprop'",
    ],
)
def test_the_check_for_names_catches(source: str) -> None:
    assert named(source)


def test_no_more_words_are_called_ordinary_than_the_engine_uses() -> None:
    nodes = [node for module in ENGINE for node in said(ast.parse((ROOT / module).read_text(encoding="utf-8")))]
    assert {word for node in nodes for word in words(node)} >= ORDINARY


@pytest.mark.parametrize(
    "source", ["'Of the beta1 of rmsprop.'", "def f():\n    'as in rmsprop'", "raise ValueError('no beta1')"]
)
def test_docstrings_and_errors_may_name_a_formula(source: str) -> None:
    assert not named(source)


def test_the_check_for_english_catches_a_sentence_and_spares_docstrings_errors_and_code() -> None:
    assert english("x = 'the printed reading fits'")
    assert english("x = f'{n} readings that fit as well'")
    assert english("def f(x='when it was saved'): pass")
    assert not english(
        "'The module of it all.'\nraise ValueError('no reading fits')\nx = 'from math import inf'\ny = 'no-reading'"
    )


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


def test_importing_the_public_face_loads_nothing_and_a_formula_numpy() -> None:
    assert loaded_by("import gradspec; gradspec.__version__, dir(gradspec), gradspec.identify") <= {"gradspec"}
    assert loaded_by("import gradspec; gradspec.line('adam'), gradspec.reference.sigmoid([1.0])") <= {"gradspec", "numpy"}


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
