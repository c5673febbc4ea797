"""The reports, held on a made-up campaign that has one of everything."""

from __future__ import annotations

import io
import itertools
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
from gradspec.crosscheck.findings import (
    SCHEMA_VERSION,
    VERDICTS,
    AxisInfo,
    Breach,
    Cell,
    Change,
    Check,
    Counterexample,
    Curve,
    Deviation,
    Failed,
    Finding,
    Findings,
    Label,
    LineInfo,
    Loss,
    Lossy,
    NotInstalled,
    OptionInfo,
    Outdone,
    PrintedFits,
    Proof,
    Quantity,
    Said,
    Series,
    Side,
    TimedOut,
    Unfinished,
    Witness,
)
from gradspec.crosscheck.inputs.traces import Schedule
from gradspec.reports import diff, journal, schema, signs, store, summary
from gradspec.reports.html import arrange, mathml, page, plots
from gradspec.reports.words import samples, sheet
from rich.console import Console

DTYPES = ("float64", "float32", "float16", "bfloat16")
SCRIPT = """\
# optimizer.adam: the smallest input on which torch.optim.Adam and the printed line part
import numpy as np
import torch

w = torch.tensor([float.fromhex("0x1.0p+0")], dtype=torch.float64, requires_grad=True)
gradients = [[float.fromhex("0x1.0p+0")], [float.fromhex("0x1.0p+0")]]
optimizer = torch.optim.Adam([w], lr=0.5, betas=(0.5, 0.5), eps=0.0)
for step, gradient in enumerate(gradients, 1):
    w.grad = torch.tensor(gradient, dtype=torch.float64)
    optimizer.step()
    print(step, w.detach().numpy(), [x.hex() for x in w.detach().tolist()])

# what the sheet prints instead: the corrected value is stored, and the correction is a power of (1 - beta)
V, S, W = np.zeros(1), np.zeros(1), np.ones(1)
for t, g in enumerate(np.array(gradients), 1):
    V = (0.5 * V + 0.5 * g) / 0.5**t
    S = (0.5 * S + 0.5 * g * g) / 0.5**t
    W = W - 0.5 * V / np.sqrt(S)
    print(t, W, [x.hex() for x in W.tolist()])
"""


# --- a campaign with one of everything --------------------------------------------------------------------------------


def quantity(name: str, values: list[float], shape: list[int] | None = None) -> Quantity:
    return Quantity(name, [len(values)] if shape is None else shape, [f"{v:.17g}" for v in values], [v.hex() for v in values])


def axis(name: str, printed: str, standard: str, kind: str = "meaning", **options: str) -> AxisInfo:
    named = [OptionInfo(key.replace("_", "-"), *meaning.split("|")) for key, meaning in options.items()]
    return AxisInfo(name, kind, printed, standard, named, source="IEEE 754-2019 §9.6")


TIES = axis(
    "ties",
    "all",
    "split",
    all=r"every input that attains z gets the whole flow|\bar z\,\mathbb 1[x_i=z]",
    split=r"the inputs that attain z share the flow evenly|\bar z\,\mathbb 1[x_i=z]/\#\{j:x_j=z\}",
    first=r"the first input that attains z gets the flow|\bar z\,\mathbb 1[i=\min\{j:x_j=z\}]",
    last="the last input that attains z gets the flow",
)
CORRECTION = axis(
    "correction",
    "power-of-complement-stored",
    "complement-of-power",
    power_of_complement_stored="divide by (1−β)^t, and store the corrected value",
    power_of_complement="divide a copy by (1−β)^t",
    complement_of_power=r"divide a copy by 1−β^t|\hat V=V/(1-\beta_1^t)",
    none="no correction",
)
EPSILON = axis(
    "epsilon",
    "after-correction",
    "after-correction",
    after_correction=r"ε beside √Ŝ|\sqrt{\hat S}+\varepsilon",
    before_correction="ε beside √S, before the correction (ε̂)",
    inside_root=r"ε under the root|\sqrt{\hat S+\varepsilon}",
)
SLOPE = axis(
    "slope",
    "one-minus-z",
    "sigma-of-minus-x",
    "evaluation",
    one_minus_z="z(1−z), which cancels where z rounds to 1",
    sigma_of_minus_x=r"σ(x)σ(−x)|\sigma(x)\,\sigma(-x)",
    chain="through the printed quotient",
)
NORMALISER = axis("normaliser", "three", "examples", three="3, this example's batch", examples="n", elements="all elements")

SCALARS, NETWORK = "Scalar operations", "Two-layer network"
LINES = [
    LineInfo(
        "scalar.sum", 1, "sum", r"z=\sum_i x_i \;\Rightarrow\; \bar x_i=\bar z", "", [], SCALARS, "distribute flow unchanged"
    ),
    LineInfo(
        "scalar.max",
        3,
        "maximum",
        r"z=\max(x_1,\dots,x_n) \;\Rightarrow\; \frac{\partial z}{\partial x_i}=\mathbb 1[z==x_i],\quad "
        r"\bar x_i=\bar z\,\mathbb 1[x_i==z]",
        r"\bar x\in\bar z\cdot\mathrm{conv}\{e_i : x_i=z\}",
        [TIES],
        SCALARS,
        "direct flow to max/min input",
        source="Clarke, Optimization and Nonsmooth Analysis, 1983, prop. 2.3.12",
    ),
    LineInfo(
        "scalar.sigmoid",
        5,
        "sigmoid",
        r"z=\frac{1}{1+e^{-x}}, \quad \bar x=\bar z\,z\,(1-z)",
        "",
        [SLOPE],
        SCALARS,
        notes="Tails differ.",
    ),
    LineInfo(
        "mlp2.loss", 18, "loss", r"L=\frac13\lVert\hat y-y\rVert^2", r"L=\frac1n\lVert\hat y-y\rVert^2", [NORMALISER], NETWORK
    ),
    LineInfo(
        "mlp2.grad_y_hat", 19, "gradient at the output", r"\frac23(\hat y-y)", r"\frac2n(\hat y-y)", [NORMALISER], NETWORK
    ),
    LineInfo("mlp.Z", 26, "pre-activation", r"Z^{[l]}=W^{[l]}A^{[l-1]}+b^{[l]}", "", [], "Network of any depth"),
    LineInfo(
        "optimizer.adam",
        41,
        "Adam",
        r"V\leftarrow\frac{\beta_1V+(1-\beta_1)\,\partial L/\partial w}{(1-\beta_1)^t},\quad "
        r"S\leftarrow\frac{\beta_2S+(1-\beta_2)(\partial L/\partial w)^2}{(1-\beta_2)^t},\quad "
        r"W\leftarrow W-\alpha\frac{V}{\sqrt S+\varepsilon}",
        r"\hat V=\frac{V}{1-\beta_1^t},\quad \hat S=\frac{S}{1-\beta_2^t},\quad "
        r"W\leftarrow W-\alpha\frac{\hat V}{\sqrt{\hat S}+\varepsilon}",
        [CORRECTION, EPSILON],
        "Optimizers",
    ),
]

REASONS = (PrintedFits(), Outdone((Change("slope", "sigma-of-minus-x", "one-minus-z"),)), Lossy((Loss.FLUSHED,)))
MISSING = NotInstalled("tinygrad", "pip install tinygrad")

TIE = Witness(
    "float64",
    [quantity("x", [1.0, 1.0]), quantity("z_bar", [1.0], [])],
    {},
    [Side({"ties": "split"}, quantity("x_bar", [0.5, 0.5])), Side({"ties": "all"}, quantity("x_bar", [1.0, 1.0]))],
    "x_bar",
    [0],
    quantity("x_bar", [0.5, 0.5]),
    4503599627370496.0,
    2.0,
)
STRANGE = Witness(
    "float16",
    [
        quantity("X", [math.nan, math.inf, -math.inf, 0.1, -0.0, 65504.0], [2, 3]),
        quantity("W1", [i / 7 for i in range(30)], [5, 6]),
    ],
    {"g": "sigmoid"},
    [
        Side({"slope": "chain"}, None, "This reading has no value there."),
        Side({"slope": "one-minus-z"}, quantity("Z_bar", [math.inf], [])),
    ],
    "Z_bar",
    [0, 0],
    Quantity("Z_bar", [], ["0/0"], ["0/0"]),
    None,
    None,
)


def finding(line: str, package: str, native: str, dtype: str, verdict: str, mode: str = "eager", **rest: Any) -> Finding:
    route, adapter = "native" if native else "derived", "jax" if package == "optax" else package
    rest.setdefault("reason", REASONS)
    rest.setdefault("trials", 60)
    rest.setdefault("ulps", {"float64": 0.6, "float32": 0.8, "float16": 0.5, "bfloat16": 0.0}.get(dtype))
    return Finding(Cell(line, adapter, package, route, native, dtype, mode), verdict, decisive=51, worst_share=0.62, **rest)


def natives(line: str, package: str, native: str, verdict: str, fits: list[dict[str, str]], **rest: Any) -> list[Finding]:
    return [finding(line, package, native, dtype, verdict, fits=fits, **rest) for dtype in DTYPES]


def derived(line: LineInfo) -> list[Finding]:
    fits = [{a.name: a.standard for a in line.axes}]
    modes = {"jax": ("eager", "jit"), "torch": ("eager",)}
    return [
        finding(line.id, package, "", dtype, "agrees", mode, fits=fits)
        for package in modes
        for mode in modes[package]
        for dtype in DTYPES
    ]


def sample() -> Findings:
    adam = {"correction": "complement-of-power", "epsilon": "after-correction"}
    step = Witness(
        "float64",
        [quantity("w", [1.0]), quantity("g", [1.0, 1.0], [2, 1])],
        {"lr": "0.5", "beta1": "0.5", "beta2": "0.5", "eps": "0"},
        [Side(adam, quantity("w", [0.0])), Side({**adam, "correction": "power-of-complement-stored"}, quantity("w", [-0.25]))],
        "w",
        [1, 0],
        quantity("w", [0.0]),
        1.2e15,
        14.0,
    )
    cells = [f for line in LINES for f in derived(line)]
    cells += natives("scalar.max", "torch", "amax", "erratum", [{"ties": "split"}], witness=TIE, script=SCRIPT)
    cells += natives("scalar.max", "torch", "max(dim=…)", "convention", [{"ties": "first"}], witness=TIE, script=SCRIPT)
    cells += natives("scalar.max", "jax", "numpy.max", "erratum", [{"ties": "split"}], script=SCRIPT)
    cells += natives("scalar.max", "torch", "cummax", "agrees", [{"ties": "split"}, {"ties": "last"}])
    tails = {"float64": 1.3e9, "float32": 4.1e6, "float16": 310.0, "bfloat16": 0.5}
    cells += [
        finding(
            "scalar.sigmoid",
            "torch",
            "sigmoid",
            dtype,
            "agrees" if ulps < 1 else "precision",
            ulps=ulps,
            witness=STRANGE,
            script=SCRIPT,
            fits=[{"slope": "one-minus-z"}],
            reason=(Said("σ(x)(1−σ(x)) cancels in the upper tail"),),
        )
        for dtype, ulps in tails.items()
    ]
    cells += natives("scalar.sigmoid", "jax", "nn.sigmoid", "agrees", [{"slope": "sigma-of-minus-x"}])
    cells += natives("mlp2.loss", "torch", "nn.functional.mse_loss", "erratum", [{"normaliser": "elements"}])
    claim = {"normaliser": "examples"}
    cells += natives("mlp2.loss", "optax", "squared_error", "stale", [{"normaliser": "elements"}], claim=claim, script=SCRIPT)
    cells += natives("optimizer.adam", "torch", "optim.Adam", "erratum", [adam], witness=step, script=SCRIPT, claim=adam)
    inside = {**adam, "epsilon": "inside-root"}
    cells += natives("optimizer.adam", "optax", "adam(eps_root=…)", "convention", [inside], witness=step, script=SCRIPT)
    cells += natives("optimizer.adam", "torch", "optim.Adam(fused=True)", "defect", [], witness=step, script=SCRIPT, ulps=2.5e3)
    cells += [finding("optimizer.adam", "torch", "optim.NAdam", d, "absent", ulps=None) for d in DTYPES[2:]]
    cells += [finding("mlp.Z", "tinygrad", "", d, "not-run", reason=(MISSING,), ulps=None, excused=True) for d in DTYPES]
    cells += [finding("mlp.Z", "torch", "nn.Linear", "float16", "not-run", reason=(TimedOut(20.0),), ulps=None)]
    return Findings(
        schema_version=SCHEMA_VERSION,
        seed=20240607,
        profile="default",
        versions={
            "gradspec": "0.1.0",
            "jax": "0.8.1",
            "numpy": "2.4.6",
            "optax": "0.2.6",
            "python": "3.12.3",
            "torch": "2.9.1",
        },
        platform="Linux x86_64",
        lines=LINES,
        cells=cells,
        deviations=deviations(step),
        proofs=PROOFS,
        checks=CHECKS,
        curves=CURVES,
        interrupted=True,
        started="2026-11-23T02:30:00Z",
        seconds=184.2,
    )


def deviations(step: Witness) -> list[Deviation]:
    loss = ("normaliser", "erratum", "Whose batch size is the 3?", "three", "examples")
    return [
        Deviation(
            "scalar.max",
            "ties",
            "erratum",
            "Who gets the flow when several inputs attain the maximum?",
            "all",
            "split",
            r"\bar x_i=\bar z\,\mathbb 1[x_i=z]",
            r"\bar x_i=\frac{\bar z\,\mathbb 1[x_i=z]}{\#\{j:x_j=z\}}",
            {"split": ["torch amax", "jax numpy.max"], "first": ["torch max"]},
            {"split": ["jax", "torch"]},
            breaks=["equal"],
            evidence=CHECKS[1:],
            witness=TIE,
            source="Clarke 1983",
        ),
        Deviation("mlp2.loss", *loss, LINES[3].latex, LINES[3].standard_latex, refuted=True),
        Deviation("mlp2.grad_y_hat", *loss, LINES[4].latex, LINES[4].standard_latex, witness=STRANGE),
        Deviation(
            "optimizer.adam",
            "correction",
            "erratum",
            "What are the averages divided by?",
            "power-of-complement-stored",
            "complement-of-power",
            LINES[6].latex,
            LINES[6].standard_latex,
            witness=step,
        ),
    ]


PROOFS = [
    Proof("scalar.sum", {}, "printed", "proved", {"n": 3}, entries=3),
    Proof(
        "mlp2.grad_y_hat",
        {"normaliser": "three"},
        "printed",
        "refuted",
        {"n": 2},
        entries=1,
        of="y_hat",
        index=[0, 0],
        counterexample=Counterexample({"y_hat_0_0": 1, "y_0_0": 3}, "-2.0000000", "-1.3333333"),
    ),
    Proof("mlp2.grad_y_hat", {"normaliser": "examples"}, "standard", "proved", {"n": 2}, entries=2),
    Proof("mlp.Z", {}, "standard-but", "no value", {"n": 2}, "bias", unfit={"n": 2}, why="b is of one column"),
]
BROKEN = Breach(
    "differs",
    "Σ x_bar",
    found="2.00000",
    expected="1.00000",
    difference="1.00000",
    sample=Label("hard", "a pair tied"),
    sizes={"n": 2},
    inputs={"x": [1.0, 1.0]},
)
CHECKS = [
    Check("scalar.sum", "equal", "distribute flow unchanged", {}, True, 60),
    Check("scalar.max", "equal", "Σ x̄ = z̄", {"ties": "all"}, False, 60, 41, BROKEN),
]
STEPS = [float(t) for t in range(1, 41)]
CURVES = [
    Curve(
        "optimizer.adam",
        "How far the printed correction departs",
        "With β = 0.9 the printed V exceeds g tenfold more at every step.",
        "step t",
        "V / g",
        "linear",
        "log",
        [
            Series(
                "printed, power-of-complement-stored",
                STEPS,
                [10.0 ** min(t * (t - 1) / 2, 250) if t < 23 else None for t in STEPS],
            ),
            Series("standard", STEPS, [1.0] * 40),
        ],
    ),
    Curve(
        "scalar.sigmoid",
        "Slope left in the upper tail",
        "z(1−z) is zero from 36.7 on.",
        "x",
        "error in ulps",
        "log",
        "symlog",
        [
            Series("_z(1−z) $x$ <b>", [1.0, 10.0, 30.0, 36.0, 40.0], [0.5, -2.0, 1e4, math.inf, None]),
            Series("σ(x)σ(−x)", [1.0, 40.0], [0.0, 0.5]),
        ],
    ),
    Curve("mlp.Z", "Nothing to see", "Only gaps.", "x", "y", "log", "log", [Series("empty", [0.0], [None])]),
]


def poisoned(findings: Findings) -> Findings:
    """The same with a script tag in front of every free string; the words that the schema fixes stay."""
    fixed = set(_enumerated(schema.schema()))

    def poison(value: Any) -> Any:
        if isinstance(value, str):
            return value if value in fixed else f"<script>alert('{value}\")</script>&<img src=x onerror=y>"
        if isinstance(value, list):
            return [poison(item) for item in value]
        if isinstance(value, dict):
            return {key: poison(item) for key, item in value.items()}
        return value

    return msgspec.convert(poison(msgspec.to_builtins(findings)), Findings)


def _enumerated(part: Any) -> Iterator[str]:
    """The words that a schema fixes."""
    if isinstance(part, dict):
        yield from part.get("enum", [])
        for value in part.values():
            yield from _enumerated(value)
    elif isinstance(part, list):
        for value in part:
            yield from _enumerated(value)


@pytest.fixture(scope="module")
def findings() -> Findings:
    return sample()


@pytest.fixture(scope="module")
def html(findings: Findings) -> str:
    return page.render(findings)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_sample_has_one_of_every_verdict(findings: Findings) -> None:
    assert {f.verdict for f in findings.cells} == set(VERDICTS)
    assert len(findings.cells) > 120


def test_what_is_written_is_read_back(findings: Findings, tmp_path: Path) -> None:
    finite = msgspec.structs.replace(findings, curves=[])
    path = store.write(finite, tmp_path / "new" / "folder")
    assert store.read(path) == store.read(path.parent) == store.in_order(finite)
    assert [p.name for p in path.parent.iterdir()] == [store.FILE_NAME]


def test_the_order_of_a_campaign_does_not_show_in_the_file(findings: Findings, tmp_path: Path) -> None:
    backwards = msgspec.structs.replace(findings, cells=findings.cells[::-1], deviations=findings.deviations[::-1])
    assert store.write(findings, tmp_path / "a").read_bytes() == store.write(backwards, tmp_path / "b").read_bytes()


def test_a_number_that_json_cannot_hold_is_refused_before_anything_is_replaced(findings: Findings, tmp_path: Path) -> None:
    before = store.write(findings, tmp_path).read_bytes()
    with pytest.raises(store.FindingsFileError, match=r"seconds"):
        store.write(msgspec.structs.replace(findings, seconds=math.nan), tmp_path)
    assert (tmp_path / store.FILE_NAME).read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_the_committed_schema_is_the_generated_one() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.as_text(), "run python -m gradspec.reports.schema"


def test_a_written_file_follows_the_published_schema(findings: Findings, tmp_path: Path) -> None:
    written = json.loads(store.write(findings, tmp_path).read_bytes())
    published = json.loads(schema.FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(written, published)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**written, "schema_version": SCHEMA_VERSION + 1}, published)
    written["cells"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, published)


def _cut(text: str) -> str:
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_cut, "cut short"),
        (lambda text: "", "cut short"),
        (lambda text: "\x00\xff", "cut short"),
        (
            lambda text: text.replace('"schema_version": 2', '"schema_version": 3'),
            "newer gradspec.*version 3.*reads 2; upgrade",
        ),
        (lambda text: text.replace('"schema_version": 2', '"schema_version": 1'), "older gradspec.*run the campaign again"),
        (lambda text: text.replace('"schema_version": 2,', ""), "does not follow.*schema_version"),
        (lambda text: text.replace('"erratum"', '"fine"', 1), r"does not follow.*'fine'.*\$\.cells\[\d*"),
    ],
)
def test_a_spoilt_file_says_what_is_wrong_with_it(findings: Findings, tmp_path: Path, spoil: Any, message: str) -> None:
    path = store.write(findings, tmp_path)
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(store.FindingsFileError, match=f"(?s){re.escape(str(path))}: .*{message}"):
        store.read(path)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(store.FindingsFileError, match="no such file"):
        store.read(tmp_path / "nothing.json")


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(store.FindingsFileError, match="name another folder"):
        store.check_writable(tmp_path / "file" / "folder")


# --- the journal ------------------------------------------------------------------------------------------------------

HEADER = journal.Header(7, "quick", {"torch": "2.9.1"})


def keep(folder: Path, findings: list[Finding]) -> Path:
    with journal.open_journal(folder, HEADER) as kept:
        for item in findings:
            journal.append(kept, item)
    return folder / journal.FILE_NAME


def test_a_journal_goes_on_where_a_crash_cut_it(findings: Findings, tmp_path: Path) -> None:
    path = keep(tmp_path, findings.cells[:3])
    path.write_bytes(path.read_bytes()[:-20])
    assert journal.read_journal(tmp_path) == (HEADER, findings.cells[:2])
    keep(tmp_path, findings.cells[2:5])
    assert journal.read_journal(tmp_path) == (HEADER, findings.cells[:5])


def test_a_journal_cut_in_its_header_starts_anew(findings: Findings, tmp_path: Path) -> None:
    path = keep(tmp_path, [])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(store.FindingsFileError, match="cut short"):
        journal.read_journal(tmp_path)
    keep(tmp_path, findings.cells[:1])
    assert journal.read_journal(tmp_path) == (HEADER, findings.cells[:1])


def test_a_journal_of_another_campaign_is_not_continued(tmp_path: Path) -> None:
    keep(tmp_path, [])
    with pytest.raises(store.FindingsFileError, match="another campaign, with seed 7 where this one has 8"):
        journal.open_journal(tmp_path, msgspec.structs.replace(HEADER, seed=8))


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_folder_where_the_page_belongs_is_found_before_any_work(tmp_path):
    (tmp_path / "index.html").mkdir()
    with pytest.raises(store.FindingsFileError, match=r"index\.html is a folder"):
        store.check_writable(tmp_path)


LOADS = re.compile(
    r"""(src|href|srcset|data)\s*=\s*["']?\s*(https?:|//)|url\(\s*["']?(https?:|//)|@import|<link""", re.IGNORECASE
)


def test_the_page_loads_nothing(html: str) -> None:
    assert not LOADS.search(html)


@pytest.mark.parametrize("load", ['<img src="https://a/b">', "a{background:url(//a/b)}", "@import 'a'", "<link rel=icon>"])
def test_the_search_for_loads_finds_one(html: str, load: str) -> None:
    assert LOADS.search(html + load)


def test_no_text_of_the_findings_becomes_markup(findings: Findings) -> None:
    html = page.render(poisoned(findings))
    assert html.count("<script>") == html.count("</script>") == 1  # the page's own
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_every_link_within_the_page_arrives_and_no_id_repeats(html: str) -> None:
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', html)) <= set(ids)


def test_headings_descend_one_at_a_time(html: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", html)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_the_page_names_every_line_verdict_and_cell(findings: Findings, html: str) -> None:
    for verdict in VERDICTS:
        assert f'class="chip v-{verdict}"' in html
    for line in findings.lines:
        assert f'id="line-{line.id}"' in html
    for subject in arrange.subjects(findings.cells):
        assert f'id="{subject.anchor}"' in html


def test_the_page_is_the_same_each_time(findings: Findings, html: str) -> None:
    assert page.render(findings) == html


@pytest.mark.parametrize("empty", ["cells", "lines", "deviations"])
def test_a_page_with_something_missing_is_still_a_page(findings: Findings, empty: str) -> None:
    assert "</html>" in page.render(msgspec.structs.replace(findings, **{empty: []}))


def test_a_page_of_nothing_says_so() -> None:
    nothing = Findings(1, 0, "quick", {}, "", [], [])
    assert "No line was put to a proof" in page.render(nothing)


def test_what_was_left_unfinished_is_shown_and_no_run_is_then_said_to_pass(findings: Findings) -> None:
    unfinished = [Unfinished("scalar.sum", "proofs", Failed("raised <ValueError>"))]
    left = msgspec.structs.replace(findings, cells=[], unfinished=unfinished)
    assert "raised &lt;ValueError&gt;" in page.render(left)
    assert "This run passes" not in page.render(left)
    out = io.StringIO()
    Console(file=out, width=160).print(summary.summary(left))
    assert "proofs of scalar.sum: raised <ValueError>" in out.getvalue()


def test_the_page_is_written_into_a_new_folder(findings: Findings, tmp_path: Path) -> None:
    assert page.write_page(findings, tmp_path / "out").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("theme", [":root", "prefers-color-scheme: dark"])
def test_every_ink_is_readable_on_its_ground(theme: str) -> None:
    style = (page.TEMPLATES / "style.css").read_text(encoding="utf-8")
    block = style[style.index(theme) :]
    block = block[: block.index("}")]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    grounds = [(name, f"{name}-wash") for name in colours if f"{name}-wash" in colours]
    grounds += [(ink, ground) for ink in ("ink", "quiet", "link") for ground in ("paper", "card", "wash")]
    assert len(grounds) > 14
    for ink, ground in grounds:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- its pieces -------------------------------------------------------------------------------------------------------


def test_latex_becomes_mathml() -> None:
    assert "<mfrac>" in mathml.typeset(r"\frac{1}{1+e^{-x}}")
    assert mathml.typeset(LINES[1].latex).count("<math") == 3
    assert "𝟙" in mathml.typeset(r"\mathbb 1")
    assert "<mo>==</mo>" in mathml.typeset("z==x_i")
    assert "<munder>" in mathml.typeset(r"\sum_i x_i")


@pytest.mark.parametrize("latex", [r"\frac{", r"\nosuchcommand x", r"\href{javascript:alert(1)}{\nosuchcommand}"])
def test_latex_that_cannot_be_converted_is_shown_as_it_is(latex: str) -> None:
    assert mathml.typeset(latex) == f'<code class="latex">{latex}</code>'


@pytest.mark.parametrize(
    "latex", [r"\text{<script>}", r"\href{javascript:alert(1)}{x}", r"\class{a}{x}", r"\color{<b>}x", "<b>"]
)
def test_latex_cannot_smuggle_markup(latex: str) -> None:
    assert not re.search(r"<script|<b>|javascript:|href|class=\"a|\bstyle=", mathml.typeset(latex))


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.line)
def test_a_curve_is_well_formed_and_takes_its_colours_from_the_page(curve: Curve) -> None:
    svg = plots.draw(curve)
    ElementTree.fromstring(svg)
    assert plots.draw(curve) == svg
    assert "var(--ink)" in svg and not any(colour in svg for colour in plots.VARIABLES)
    assert 'viewBox="' in svg and not re.match(r"<svg[^>]* width=", svg)
    assert "<metadata>" not in svg and not re.search(r"<(g|svg)\b[^>]* id=", svg)


def test_a_gap_interrupts_a_curve() -> None:
    gap = Curve(
        "mlp.Z", "t", "c", "x", "y", "linear", "linear", [Series("s", [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, None, 2.0, 1.0])]
    )
    path = re.findall(r'<path d="([^"]*)"[^>]*style="[^"]*series-1', plots.draw(gap))[0]
    assert path.count("M") == 2


def test_formats_together_decide_what_one_of_them_cannot() -> None:
    wide = finding("scalar.max", "torch", "amax", "float64", "erratum", fits=[{"ties": "split"}])
    narrow = finding("scalar.max", "torch", "amax", "float16", "erratum", fits=[{"ties": "split"}, {"ties": "all"}])
    contrary = finding("scalar.max", "torch", "amax", "bfloat16", "convention", fits=[{"ties": "first"}])
    (agreed,) = arrange.subjects([wide, narrow])
    (torn,) = arrange.subjects([wide, contrary])
    assert arrange.options_that_fit(agreed, "ties") == ("split",)
    assert arrange.options_that_fit(torn, "ties") == ("first", "split")
    assert not arrange.reading_map(TIES, [torn]).placements[1].subjects


def test_not_run_is_never_hidden_behind_agreement() -> None:
    assert signs.worst(["agrees", "not-run", "absent"]) == "not-run"
    assert set(signs.SEVERITY) == set(signs.SIGNS) == set(signs.TERMINAL_COLOURS) == set(VERDICTS)


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0.31, "0.31"), (1.2e8, "1.2×10⁸"), (2e-9, "2×10⁻⁹"), (math.inf, "inf"), (-1.5, "−1.5")]
)
def test_numbers_are_for_people(value: float | None, words: str) -> None:
    assert page.number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.34, "2.3 s"), (184.2, "3 min 4 s"), (119.9, "2 min 0 s"), (7260, "2 h 1 min")]
)
def test_durations_are_for_people(seconds: float, words: str) -> None:
    assert page.duration(seconds) == words


# --- the terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_summary_fits_its_terminal(findings: Findings, width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(summary.summary(findings))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "Interrupted" in text and "✗ 4 defect" in text and "tinygrad is not installed" in text


def test_the_summary_takes_no_markup_from_the_findings(findings: Findings) -> None:
    odd = msgspec.structs.replace(findings.cells[0], verdict="defect", reason=(Said("x[/bold][0]"),))
    out = io.StringIO()
    Console(file=out, width=160).print(summary.summary(msgspec.structs.replace(findings, cells=[odd])))
    assert "x[/bold][0]" in out.getvalue()


def test_the_closing_lines_count_and_name_what_fails(findings: Findings) -> None:
    lines = summary.closing_lines(findings.cells)
    assert lines[0].startswith(f"{len(findings.cells)} cells: ✓ ")
    assert any("optimizer.adam-torch-native.optim.Adam(fused=True)-float32: defect" in line for line in lines)
    assert any("mlp.Z-torch-native.nn.Linear-float16: not-run. did not finish within 20 s" in line for line in lines)
    assert lines[-1] == "○ 4 not run: tinygrad is not installed: pip install tinygrad"
    assert summary.closing_lines([]) == ["no cells"]


# --- between two campaigns --------------------------------------------------------------------------------------------


def test_a_campaign_does_not_differ_from_itself(findings: Findings) -> None:
    backwards = msgspec.structs.replace(findings, cells=findings.cells[::-1], seconds=1.0)
    assert not diff.compare(findings, backwards)
    assert diff.difference_lines(diff.compare(findings, backwards)) == []


def test_a_difference_names_changed_new_and_gone_cells(findings: Findings) -> None:
    first, second, third, *rest = findings.cells
    changed = msgspec.structs.replace(second, verdict="convention", fits=[{"ties": "first"}])
    after = msgspec.structs.replace(findings, cells=[changed, third, *rest], versions={**findings.versions, "torch": "2.10.0"})
    before = msgspec.structs.replace(findings, cells=[first, second, *rest])
    assert diff.difference_lines(diff.compare(before, after)) == [
        "torch: 2.9.1 -> 2.10.0",
        f"changed: {second.cell.id}: agrees -> convention; fits {{}} -> {{ties: first}}",
        f"new: {third.cell.id}: agrees",
        f"gone: {first.cell.id}: was agrees",
    ]


# --- the house rules --------------------------------------------------------------------------------------------------


def test_reports_import_no_framework_and_no_plotting_until_asked() -> None:
    heavy = ["torch", "jax", "optax", "matplotlib", "latex2mathml", "gradspec.reference", "gradspec.adapters"]
    modules = "from gradspec.reports import diff, journal, schema, store, summary"
    pages = "from gradspec.reports.html import arrange, mathml, page, plots"
    program = f"import sys; {modules}; {pages}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- words ----------------------------------------------------------------------------------------------------------


DEVIATIONS = deviations(TIE)


def test_every_schedule_and_every_kind_of_sample_has_a_name_for_people():
    assert samples.SCHEDULES.keys() == {schedule.value for schedule in Schedule}
    kinds = get_args(get_type_hints(Label)["kind"])
    said = [samples.label(Label(kind, "p" if kind == "hard" else "", (("n", "3"),))) for kind in kinds]
    assert len(set(said)) == len(kinds) and "drawn, n=3" in said and "witness of n=3" in said
    assert samples.label(Label("hard", "drop")) == "a rate that drops to a hundredth"
    assert samples.label(Label("hard", "a pair tied")) == "a pair tied"


def test_a_counted_conclusion_names_the_largest_share_first_and_says_what_the_print_breaks():
    ties, loss, *_ = DEVIATIONS
    assert sheet.conclusion(ties) == (
        "Of 3 functions of the frameworks' own that tell the options apart, 2 fit split, 1 fit first; "
        "the printed line run as code gives split in jax and torch; the printed option breaks equal."
    )
    assert sheet.conclusion(loss) == (
        "No subject in this run tells the options apart; "
        "with normaliser=three the cotangent does not follow from the forward line."
    )


def test_a_question_that_the_catalogue_does_not_ask_is_which_of_the_options():
    ties = msgspec.structs.replace(DEVIATIONS[0], question="")
    assert sheet.question(ties, LINES[1]) == "ties: all or split or first or last?"
    assert sheet.question(ties, None) == "ties: all or split?"


def test_evidence_names_a_reading_by_its_role_or_by_what_sets_it_apart_from_the_standard_one():
    check, line = CHECKS[1], LINES[1]
    readings = {"all": "the printed reading", "split": "the standard reading", "last": "the standard reading with ties=last"}
    for option, role in readings.items():
        told = msgspec.structs.replace(check, reading={"ties": option})
        deviation = msgspec.structs.replace(DEVIATIONS[0], evidence=[told])
        assert f": fails for {role} (broken in 41 of 60, first on “a pair tied” " in sheet.evidence(deviation, line)[0]


def test_a_proof_says_how_it_went():
    _, refuted, proved, unfit = PROOFS
    assert sheet.proof_detail(proved) == "all 2 entries, all symbols positive for n = 2."
    assert sheet.proof_detail(refuted) == "the cotangent of y_hat[0, 0] differs for n = 2."
    assert sheet.counterexample(refuted).endswith("the derivative is -2.0000000, the reading gives -1.3333333")
    assert (sheet.proof_role(unfit), sheet.proof_detail(unfit)) == (
        "standard but bias",
        "no value for n = 2: b is of one column.",
    )


def test_a_deed_without_words_of_ours_is_shown_as_it_is():
    own = msgspec.structs.replace(BROKEN, after=["mirrored", "x"])
    assert sheet.breach(own).endswith("(x = [1., 1.]): mirrored x, Σ x_bar is 2.00000 instead of 1.00000")


def test_numbers_that_look_the_same_are_told_apart_by_their_difference():
    near = msgspec.structs.replace(BROKEN, expected="2.00000", difference="1e-12")
    assert sheet.breach(near).endswith("is 2.00000 instead of 2.00000, off by 1e-12")


if __name__ == "__main__":  # to look at: python -m gradspec.tests.test_reports FOLDER
    print(page.write_page(sample(), sys.argv[1]))  # noqa: T201 (run by hand, it says where the page is)
