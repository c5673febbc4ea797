# Everything runs in .venv, which is made anew in parts whenever pyproject.toml or constraints.txt change.
PYTHON ?= python3
WORKERS ?= auto
PACKAGES := adapters cli crosscheck reference reports tests
READY := .venv/ready

.PHONY: report test fast bench lint
.DELETE_ON_ERROR:

# What XLA compiles is kept beside the environment: a second run compiles nothing again.
report test fast: export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.venv/jax
report test fast: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0

report: $(READY)
	.venv/bin/gradspec report $(ARGS)

test: $(READY)
	.venv/bin/pytest -n $(WORKERS) --dist worksteal $(ARGS)

# What tells most in a minute: the arithmetic, the oracle, the rules of the house, and all of torch in one dtype.
FAST := rounding stepwise evaluate oracle verdict layers names public cli
fast: $(READY)
	.venv/bin/pytest -n $(WORKERS) --dist worksteal $(FAST:%=tests/test_%.py) tests/conformance --adapter torch --dtype float64 $(ARGS)

bench: $(READY)
	set -e; for file in benchmarks/[!_]*.py; do .venv/bin/python $$file; done

lint: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright

$(READY): pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/pip install -qq -c constraints.txt -e '.[all]'
	mkdir -p .venv/src/gradspec
	for package in $(PACKAGES); do ln -sfn ../../../$$package .venv/src/gradspec/$$package; done
	for file in __init__.py py.typed; do ln -sfn ../../../gradspec/$$file .venv/src/gradspec/$$file; done
	touch $@
