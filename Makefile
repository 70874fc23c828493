# Every target sets up what it needs in .venv/ of this checkout; Python 3.11+, git and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH := $(VENV)/.torch
COMPILE := uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-annotate --no-header
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo --set-home --preserve-env=CI)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-image test-cluster bench bench-rollouts lint format lock docs testbed clean

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## The virtual environment, from the lock file

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Holdpoint needs Python 3.11 or newer; this is %s. Set PYTHON=python3.x" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

# Several gigabytes that only the tests of torch models need.
$(TORCH): $(STAMP) requirements-torch.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-torch.lock
	@touch $@

demo: $(STAMP) ## Judge the lending example and print the comment of its pull request
	$(BIN)/holdpoint check examples/lending --format text --format markdown

test: test-fast test-image test-cluster ## All tests

test-fast: $(TORCH) ## The tests that need no cluster
	$(BIN)/python -m pytest tests --ignore=tests/cluster --ignore=tests/e2e \
	  --ignore=tests/image --numprocesses=auto --maxprocesses=4 --dist=loadfile

# Root and its own cache: an image's files belong to root.
test-image: $(STAMP) ## The action's image, built without a container engine and run
	$(AS_ROOT) $(BIN)/python -B -m pytest -p no:cacheprovider tests/image

test-cluster: $(STAMP) ## The tests on a real API server and gateway, in a network namespace
	$(BIN)/python -m tests.fakes.github
	$(BIN)/python -m tests.testbed exec -- $(BIN)/python -m pytest tests/cluster tests/e2e

docs: $(STAMP) ## Write what is made from the code: pages, schemas, the chart's files, manifests
	$(BIN)/python -m checks.docs
	$(BIN)/python -m checks.config_schema
	$(BIN)/python -m tests.deploy.generate

bench: $(STAMP) ## How long the checks take and how much memory they need, at two sizes
	$(BIN)/python -m tests.bench

bench-rollouts: $(STAMP) ## How soon a rollout is judged, against other rules, and what that costs
	$(BIN)/python -m tests.bench.rollouts

testbed: $(STAMP) ## Start a cluster with a gateway to point kubectl at (Ctrl-C ends it)
	$(BIN)/python -m tests.testbed up

lint: $(STAMP) ## ruff, mypy strict, import-linter; actionlint and zizmor for workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.action.workflow_lint

format: $(STAMP) ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Pin every dependency anew, with hashes
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv
	$(VENV)/lock/bin/$(COMPILE) --extra all --extra onnx --extra skops --group dev \
	  --output-file requirements.lock
	$(VENV)/lock/bin/$(COMPILE) --extra torch --constraint requirements.lock \
	  --output-file requirements-torch.lock

clean: ## Remove what the targets made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
