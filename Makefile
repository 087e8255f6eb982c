# The one door: `make help` lists what there is. Everything runs from .venv, which make builds itself
# from python3 and the hash locks in requirements/.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
CLUSTER = $(BIN)/python -m tools.cluster
export DOCKER BUILD_FLAGS PYTHON_IMAGE E2E_CONTEXT E2E_LOAD E2E_ARGS RELEASE NAMESPACE VALUES TIMEOUT PURGE
RESULTS := build/test-results.json
SUITE := tests/unit tests/docs tests/tools tests/chart tests/git tests/db simulator/tests

.DEFAULT_GOAL := help
.PHONY: help dev demo test soak lint airflow-env airflow-test images test-images preflight up down e2e \
  acceptance acceptance-check golden generate chart-lint bench chaos versions lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: .venv/packages.stamp ## build .venv (every other target does so by itself)

demo: dev ## the tour on an embedded PostgreSQL; KEEP=1 leaves it running, MODEL=path takes another model
	@$(BIN)/datasurface demo $(if $(KEEP),--keep) $(if $(MODEL),--model $(MODEL))

test: dev ## all tests, on WORKERS=2 processes; DATASURFACE_TEST_DSN uses a server of your own
	@$(BIN)/python -m pytest -n $(WORKERS) --record-results $(RESULTS) $(SUITE)

SEQUENCES ?= 5000
soak: dev ## random sequences of everything against an oracle; SEQUENCES=5000, SEED=1, STEPS=12 per sequence
	@SEQUENCES=$(SEQUENCES) $(BIN)/python -m pytest -n $(WORKERS) --record-results build/soak-results.json tests/soak

lint: dev ## style, types, layers, sizes, and the docs tests
	@$(BIN)/ruff check -q
	@$(BIN)/ruff format -q --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.house_rules
	@$(BIN)/python -m pytest -q tests/docs

airflow-test: airflow-env ## tests/airflow: a real Airflow against a fake Kubernetes, in .venv-airflow
	@.venv-airflow/bin/python -m pytest --record-results build/airflow-results.json tests/airflow

images: dev ## build both images and try them; BUILD_FLAGS= goes to docker build, DOCKER= names the client
	@$(BIN)/python -m tools.cluster images
	@$(MAKE) --no-print-directory test-images

test-images: dev ## try the images that are built
	@$(BIN)/python -m pytest -q --record-results build/images-results.json tests/images

# How these four find a cluster: E2E_CONTEXT= names a context of the kubeconfig and E2E_LOAD= a command that takes image
# names; without them kind makes a cluster. RELEASE=, NAMESPACE= and VALUES= (files) say what is installed where.
preflight: dev ## look whether this machine and the cluster can carry the platform; changes nothing
	@$(CLUSTER) preflight

up: dev ## from sources to the first rows of a view, on kind or on E2E_CONTEXT=, with VALUES= files
	@$(CLUSTER) up

down: dev ## uninstall what `make up` installed; PURGE=1 deletes its volumes and secrets too
	@$(CLUSTER) down

e2e: dev .venv/e2e.stamp ## tests/e2e on a cluster, E2E_ARGS= goes to pytest
	@$(CLUSTER) e2e

# The last `make test` serves if nothing has changed since; otherwise the suite runs again.
$(RESULTS).fresh: dev
	@$(BIN)/python -m tools.acceptance_map fresh $(RESULTS) || $(MAKE) --no-print-directory test
.PHONY: $(RESULTS).fresh

acceptance: $(RESULTS).fresh ## write docs/acceptance.md from a passing run
	@$(BIN)/python -m tools.acceptance_map write $(RESULTS)

acceptance-check: $(RESULTS).fresh ## fail if docs/acceptance.md is not what a passing run says
	@$(BIN)/python -m tools.acceptance_map check $(RESULTS)

golden: dev ## write the golden files of tests/unit and tests/chart anew; read the diff before committing it
	@$(BIN)/python -m pytest -q tests/unit tests/chart --update-golden

generate: dev ## write the generated files of the chart anew: values.yaml, its schema, the README, the demo model
	@$(BIN)/python -m tools.generate

# ct and kubeconform are taken from PATH, or from the folder or archive that CHART_TOOLS= names; without them: not shown.
chart-lint: dev .venv-lint/locks.stamp ## the chart by other people's rules: helm lint, ct, yamllint, kubeconform, checkov
	@CHART_TOOLS=$(CHART_TOOLS) $(BIN)/python -m tools.chart_lint

# Versions of PostgreSQL: of the wheel and the system's packages, and in folders that DATASURFACE_POSTGRES= names.
versions: dev ## tests/versions: every pair of the PostgreSQL versions that are here, collations, a standby, a pooler
	@DATASURFACE_POSTGRES=$(DATASURFACE_POSTGRES) $(BIN)/python -m pytest -n $(WORKERS) --record-results build/versions-results.json tests/versions

chaos: dev ## FAULTS=1000 faults strike jobs inside a batch, on servers of its own; writes build/chaos.json
	@$(BIN)/python -m tests.chaos --faults $(or $(FAULTS),1000) $(if $(SEED),--seed $(SEED))

# CUSTOMERS=, ROUNDS=, PEERS=, EXPERIMENTS= (names with commas, or none), RESULTS= and DSN= are the options of the same name.
bench_option = $(if $($(1)),--$(2) $($(1)))
bench: dev ## time the engine beside COPY|COPY and dlt, half an hour; CUSTOMERS=100000 ROUNDS=1 for a short one
	@$(MAKE) --no-print-directory .venv-bench/locks.stamp || echo "make: no .venv-bench, so dlt is not shown" >&2
	@$(BIN)/python -m bench $(call bench_option,CUSTOMERS,customers) $(call bench_option,ROUNDS,rounds) \
	  $(call bench_option,PEERS,peers) $(call bench_option,EXPERIMENTS,experiments) \
	  $(call bench_option,RESULTS,results) $(call bench_option,DSN,dsn)

COMPILE := $(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header

lock: dev ## write requirements/*.txt anew from pyproject.toml and requirements/*.in; UPGRADE=1 takes newer versions
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/uv.in -o requirements/uv.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements/runtime.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml simulator/pyproject.toml --extra demo \
	  requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/e2e.in -c requirements/dev.txt -o requirements/e2e.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml simulator/pyproject.toml -c requirements/runtime.txt \
	  -o requirements/datasurface.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml requirements/airflow.in -c requirements/runtime.txt \
	  -o requirements/airflow.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml requirements/airflow.in requirements/airflow-dev.in \
	  -c requirements/airflow.txt -o requirements/airflow-dev.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/build.in -o requirements/build.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --no-deps requirements/helm.in -o requirements/helm.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --no-deps requirements/helm3.in -o requirements/helm3.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/chart-lint.in -o requirements/chart-lint.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/bench.in -o requirements/bench.txt
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

PIP_INSTALL := pip install -q --disable-pip-version-check
PIP := $(BIN)/python -m $(PIP_INSTALL)
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

.venv/e2e.stamp: requirements/e2e.txt .venv/packages.stamp
	@echo "make: installing requirements/e2e.txt into .venv"
	@$(call install,--require-hashes -r requirements/e2e.txt)
	@touch $@

# Airflow has an environment of its own, as it has an image of its own: it asks for much that nothing else needs.
airflow-env: .venv-airflow/packages.stamp ## build .venv-airflow (airflow-test does so by itself)

# Without its bytecode each of Airflow's processes begins three times slower.
into_airflow = $(BIN)/uv pip install -q --compile-bytecode --python .venv-airflow/bin/python $(1) || .venv-airflow/bin/python -m $(PIP_INSTALL) $(1)

.venv-airflow/locks.stamp: requirements/airflow-dev.txt | .venv/locks.stamp
	@echo "make: installing requirements/airflow-dev.txt into .venv-airflow"
	@test -x .venv-airflow/bin/python || $(BIN)/python -m venv .venv-airflow
	@$(call into_airflow,--require-hashes -r requirements/airflow-dev.txt)
	@touch $@

.venv-airflow/packages.stamp: .venv-airflow/locks.stamp pyproject.toml
	@$(call into_airflow,--no-deps --no-build-isolation -e .)
	@touch $@

# checkov brings a hundred packages that nothing else needs.
.venv-lint/locks.stamp: requirements/chart-lint.txt | .venv/locks.stamp
	@echo "make: installing requirements/chart-lint.txt into .venv-lint"
	@test -x .venv-lint/bin/python || $(BIN)/python -m venv .venv-lint
	@$(BIN)/uv pip install -q --python .venv-lint/bin/python --require-hashes -r requirements/chart-lint.txt || \
	  .venv-lint/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/chart-lint.txt
	@touch $@

# dlt brings seventy packages that nothing else needs. With their bytecode dlt begins as fast as it can.
.venv-bench/locks.stamp: requirements/bench.txt | .venv/locks.stamp
	@echo "make: installing requirements/bench.txt into .venv-bench"
	@test -x .venv-bench/bin/python || $(BIN)/python -m venv .venv-bench
	@$(BIN)/uv pip install -q --compile-bytecode --python .venv-bench/bin/python --require-hashes -r requirements/bench.txt || \
	  .venv-bench/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@
