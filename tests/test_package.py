"""What is installed: built from a source archive, put into an environment of its own, and used there as a stranger would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import gradspec
import pytest

ROOT = Path(__file__).parents[1].resolve()
PACKAGES = ("adapters", "cli", "crosscheck", "reference", "reports")
SHIPPED = ("gradspec", "tests/conformance")

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="needs a checkout: it builds the package")


@dataclass(frozen=True)
class Installed:
    """An environment with nothing in it but gradspec's wheel; other packages are borrowed from the environment of the tests."""

    folder: Path
    sdist: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """``python command…`` in a folder that knows nothing of the checkout."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
        return ran(str(self.python), *command, cwd=cwd, env=clean | {"PYTHONUTF8": "1", "COLUMNS": "200"})


def ran(*command: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, encoding="utf-8")


def built(*command: str, cwd: Path) -> None:
    done = ran(sys.executable, *command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The checkout's source archive, the wheel that is built of it, and an environment that has it."""
    folder = tmp_path_factory.mktemp("package")
    source, dist = folder / "source", folder / "dist"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "out"))
    dist.mkdir()
    built("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(dist)!r})", cwd=source)
    [sdist] = dist.glob("*.tar.gz")
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check")
    built("-m", "pip", "wheel", *offline, "--no-build-isolation", "-w", str(dist), str(sdist), cwd=folder)
    [wheel] = dist.glob("*.whl")
    made = Installed(folder / "environment", sdist, wheel)
    venv.create(made.folder, with_pip=False)
    built("-m", "pip", "--python", str(made.python), "install", *offline, str(wheel), cwd=folder)
    home = made.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).stdout.strip()
    (Path(home) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return made


# --- what is in it --------------------------------------------------------------------------------------------------


def test_the_version_is_the_same_everywhere(installed: Installed) -> None:
    assert installed.wheel.name in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"-{gradspec.__version__}-" in installed.wheel.name
    assert f"\nversion: {gradspec.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_every_folder_of_the_packages_is_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")}
    expected = {f"gradspec.{'.'.join(folder.parts)}" for folder in folders}
    assert set(listed) == {*expected, "gradspec", "gradspec.tests.conformance"}


def test_the_wheel_holds_every_module_of_the_packages_and_no_other(installed: Installed) -> None:
    modules = {str(path.relative_to(ROOT)) for package in (*PACKAGES, *SHIPPED) for path in (ROOT / package).rglob("*.py")}
    expected = {path if path.startswith("gradspec/") else f"gradspec/{path}" for path in modules}
    found = {name for name in zipfile.ZipFile(installed.wheel).namelist() if name.endswith(".py")}
    assert found == {*expected, "gradspec/tests/__init__.py"}


def test_the_wheel_holds_the_data_of_the_packages(installed: Installed) -> None:
    names = set(zipfile.ZipFile(installed.wheel).namelist())
    kept = [
        path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in (".json", ".j2", ".css", ".js")
    ]
    kept = [path for path in kept if "out" not in path.parts]
    assert len(kept) > 40
    assert {f"gradspec/{path.relative_to(ROOT)}" for path in kept} <= names
    assert "gradspec/py.typed" in names


def test_the_metadata_says_whose_it_is_and_names_no_address(installed: Installed) -> None:
    wheel = zipfile.ZipFile(installed.wheel)
    [metadata] = [wheel.read(name).decode() for name in wheel.namelist() if name.endswith("dist-info/METADATA")]
    head = metadata.partition("\n\n")[0]
    assert "License-Expression: MIT" in head
    assert "Author: gradspec contributors" in head
    assert not re.search(r"^(Project-URL|Home-page|Download-URL):", head, re.MULTILINE)
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_source_archive_holds_what_contributors_need(installed: Installed) -> None:
    with tarfile.open(installed.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "constraints.txt", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "tests/test_package.py"} <= names
    assert not [name for name in names if name.startswith((".venv", "reports/out"))]


# --- what it does where it is installed -----------------------------------------------------------------------------


def test_the_conformance_suite_runs_where_it_is_installed(installed: Installed, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    options = ("--adapter", "torch", "--line", "scalar.sum", "--dtype", "float32")
    done = installed.run("-m", "pytest", "-q", "--pyargs", "gradspec.tests.conformance", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ cells: ✓ \d+ agrees$", done.stdout, re.MULTILINE)


def test_the_command_line_runs_where_it_is_installed(installed: Installed, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = str(installed.python.with_name("gradspec"))
    assert "optimizer.adam" in ran(command, "lines", cwd=tmp_path, env={"PYTHONUTF8": "1"}).stdout
    options = ("--adapter", "torch", "--line", "scalar.sum", "--dtype", "float32", "--workers", "1")
    done = installed.run("-m", "gradspec.cli", "report", *options, "--profile", "quick", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "index.html").exists()


def test_a_foreign_project_pays_nothing_for_the_plugin(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import sys\n\ndef test_mine():\n    print('loaded:', *sys.modules)\n", encoding="utf-8"
    )
    done = installed.run("-m", "pytest", "-s", "-q", "test_mine.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    loaded = set(done.stdout.partition("loaded:")[2].splitlines()[0].split())
    assert {name for name in loaded if name.partition(".")[0] == "gradspec"} == {
        "gradspec",
        "gradspec.tests",
        "gradspec.tests.conformance",
        "gradspec.tests.conformance.installed",
    }
    assert not {"numpy", "hypothesis", "msgspec", "flint", "sympy"} & loaded


def test_where_a_checkout_lies_it_is_the_checkout_that_is_used(installed: Installed) -> None:
    shown = installed.run("-c", "import gradspec.reference; print(gradspec.reference.__file__)", cwd=ROOT)
    assert Path(shown.stdout.strip()) == ROOT / "reference" / "__init__.py", shown.stderr


# --- what a type checker sees of it ---------------------------------------------------------------------------------

PROJECT = """
import gradspec
from gradspec.reference import adam, mlp2, sigmoid

reveal_type(adam)
reveal_type(sigmoid)
reveal_type(gradspec.reference.rmsprop)
reveal_type(mlp2.grad_W1)
reveal_type(gradspec.line("adam"))
reveal_type(gradspec.catalogue(beyond=True)["scalar.sum"])
reveal_type(gradspec.__version__)
reveal_type(gradspec.identify)
reveal_type(gradspec.port)
gradspec.identify(abs).must_be("sigmoid", "printed")
print(gradspec.port("torch.optim.SGD", to="optax", rate=0.1).code)
"""

WRONG = {
    "gradspec.identify()": "reportCallIssue",
    "gradspec.identify(abs, sed=1)": "reportCallIssue",
    "gradspec.port('torch.optim.SGD')": "reportCallIssue",
    "gradspec.identify(abs, seed='one')": "reportArgumentType",
    "gradspec.identfy(abs)": "reportAttributeAccessIssue",
    "adam.tsep": "reportAttributeAccessIssue",
    "gradspec.line('adam').tsep": "reportAttributeAccessIssue",
}


@pytest.fixture(scope="module")
def checked(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What pyright says of a foreign project, and of lines that are wrong: one file each."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "project.py").write_text(PROJECT, encoding="utf-8")
    for number, wrong in enumerate(WRONG):
        (folder / f"wrong{number}.py").write_text(
            f"import gradspec\nfrom gradspec.reference import adam\n{wrong}\n", encoding="utf-8"
        )
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}', encoding="utf-8")
    done = ran(
        sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", str(installed.python), "-p", str(folder), cwd=folder
    )
    return [
        {"file": Path(one["file"]).name, "rule": one.get("rule", ""), "message": one["message"]}
        for one in json.loads(done.stdout)["generalDiagnostics"]
    ]


def test_a_foreign_project_sees_what_things_are(checked: list[dict[str, str]]) -> None:
    mine = [one for one in checked if one["file"] == "project.py"]
    assert not [one["message"] for one in mine if one["rule"]]
    types: dict[str, str] = {}
    for one in mine:
        what, _, kind = one["message"].removeprefix('Type of "').removesuffix('"').partition('" is "')
        types[what] = kind
    assert types["adam"] == types["gradspec.reference.rmsprop"] == "Optimizer"
    assert types["sigmoid"] == types["mlp2.grad_W1"] == "Map"
    assert types['gradspec.line("adam")'] == "Formula"
    assert types['gradspec.catalogue(beyond=True)["scalar.sum"]'] == "Formula"
    assert types["gradspec.__version__"] == "str"
    assert types["gradspec.identify"].startswith("(target: Any, given: Mapping[str, Any] | None = None, *, ")
    assert types["gradspec.port"].startswith("(source: Any, to: str, *, ")
    assert not [of for of, kind in types.items() if "Unknown" in kind]


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[*WRONG])
def test_a_foreign_project_is_told_what_is_wrong(number: int, checked: list[dict[str, str]]) -> None:
    rules = [one["rule"] for one in checked if one["file"] == f"wrong{number}.py"]
    assert [*WRONG.values()][number] in rules
