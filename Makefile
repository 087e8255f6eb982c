# The one door: `make help` lists what there is. Everything runs from .venv, which make builds itself
# from python3 and the hash locks in requirements/.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
RESULTS := build/test-results.json
SUITE := tests/unit tests/docs tests/db simulator/tests

.DEFAULT_GOAL := help
.PHONY: help dev demo test lint acceptance acceptance-check golden bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: .venv/packages.stamp ## build .venv (every other target does so by itself)

demo: dev ## the tour on an embedded PostgreSQL; KEEP=1 leaves it running, MODEL=path takes another model
	@$(BIN)/datasurface demo $(if $(KEEP),--keep) $(if $(MODEL),--model $(MODEL))

test: dev ## all tests, on WORKERS=2 processes; DATASURFACE_TEST_DSN uses a server of your own
	@$(BIN)/python -m pytest -n $(WORKERS) --record-results $(RESULTS) $(SUITE)

lint: dev ## style, types, layers, sizes, and the docs tests
	@$(BIN)/ruff check -q
	@$(BIN)/ruff format -q --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.house_rules
	@$(BIN)/python -m pytest -q tests/docs

# The last `make test` serves if nothing has changed since; otherwise the suite runs again.
$(RESULTS).fresh: dev
	@$(BIN)/python -m tools.acceptance_map fresh $(RESULTS) || $(MAKE) --no-print-directory test
.PHONY: $(RESULTS).fresh

acceptance: $(RESULTS).fresh ## write docs/acceptance.md from a passing run
	@$(BIN)/python -m tools.acceptance_map write $(RESULTS)

acceptance-check: $(RESULTS).fresh ## fail if docs/acceptance.md is not what a passing run says
	@$(BIN)/python -m tools.acceptance_map check $(RESULTS)

golden: dev ## write the golden files of tests/unit anew; read the diff before committing it
	@$(BIN)/python -m pytest -q tests/unit --update-golden

bench: dev ## time the engine against COPY|COPY; writes bench/results/latest.json
	@$(BIN)/python -m bench

COMPILE := $(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header

lock: dev ## write requirements/*.txt anew from pyproject.toml and requirements/*.in; UPGRADE=1 takes newer versions
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/uv.in -o requirements/uv.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements/runtime.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml simulator/pyproject.toml --extra demo \
	  requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --no-deps requirements/data.in -o requirements/data.txt

clean: ## remove builds and caches; .venv stays
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src simulator tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here; PYTHON=<path> names another one" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is $$($(PYTHON) -V); 3.11 or newer is needed, PYTHON=<path> names another one" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
# uv reads no configuration of pip: where only pip knows the way to the packages, it installs the same locks, slower.
install = $(BIN)/uv pip install -q --python $(BIN)/python $(1) || $(PIP) $(1)

.venv/locks.stamp: requirements/uv.txt requirements/dev.txt requirements/data.txt | .venv/bin/python
	@echo "make: installing requirements/*.txt into .venv"
	@$(PIP) --require-hashes -r requirements/uv.txt
	@$(call install,--require-hashes -r requirements/dev.txt)
	@$(call install,--require-hashes --no-deps --no-build-isolation -r requirements/data.txt)
	@touch $@

.venv/packages.stamp: .venv/locks.stamp pyproject.toml simulator/pyproject.toml
	@$(call install,--no-deps --no-build-isolation -e . -e simulator)
	@touch $@
