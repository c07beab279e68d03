# The verbs of this repository. `make demo` and `make test` do their own set-up.
PYTHON ?= python3
VENV := .venv
# Tests wait for a service part of their time: one worker more than there are processors.
WORKERS = $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
BIN := $(VENV)/bin
# Tests start hundreds of processes: each would compile the tool again where Python keeps no bytecode.
export PYTHONDONTWRITEBYTECODE =
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo demo-photos demo-lifecycle test test-deep life fuzz chaos bench schemas lint types format format-check check lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

# One stamp per set of packages; a changed lock file or pyproject.toml installs again. A lock file
# is complete, so nothing is resolved (--no-deps): pip would ask for newer versions that another
# package's extra allows, and refuse them for having no hash. `pip check` tells if something lacks.
$(VENV)/.installed-local: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	$(PIP) check
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	$(PIP) check
	@touch $@ $(VENV)/.installed-local

demo: $(VENV)/.installed-local  ## Run the main job on examples/digits: plan, apply, evaluate, plan again
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/digits/demo.sh

demo-photos: $(VENV)/.installed-local  ## Train on folders of photographs with examples/photos, and predict
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/photos/demo.sh

demo-lifecycle: $(VENV)/.installed-local  ## Walk through the life of a model on examples/lifecycle
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/lifecycle/walk.sh

# The page of a plan is tested in a real browser, which is no Python package.
$(VENV)/.installed-browser: tests/browser/install.sh
	tests/browser/install.sh
	@mkdir -p $(VENV) && touch $@

test: $(VENV)/.installed-dev $(VENV)/.installed-browser  ## Run all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-deep: $(VENV)/.installed-dev $(VENV)/.installed-browser  ## Run all tests, properties with many more examples
	TESTS_DEEP=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

life: $(VENV)/.installed-dev  ## Take random steps, and ask the service after each; no surprise with money
	$(BIN)/python -m tests.life $(ARGS)

fuzz: $(VENV)/.installed-dev  ## Damage configurations, states, plan files and answers; nothing may crash or hang
	$(BIN)/python -m tests.fuzz $(ARGS)

chaos: $(VENV)/.installed-dev  ## Kill, starve and deceive runs at every step; nothing may be paid twice
	$(BIN)/python -m tests.chaos $(ARGS)

# What is measured is installed as users do: what lies beside it for the tests slows every start.
bench: $(VENV)/.installed-dev  ## Measure speed and memory by the number of resources, beside Terraform
	$(MAKE) VENV=$(VENV)/plain $(VENV)/plain/.installed-local
	$(BIN)/python -m tests.benchmarks --command $(VENV)/plain/bin/automl-plan $(ARGS)
	$(BIN)/python -m tests.benchmarks.photographs

schemas: $(VENV)/.installed-dev  ## Write schemas/*.json from the types
	$(BIN)/python -m tests.schemas.generate

lint: $(VENV)/.installed-dev  ## Lint
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev  ## Check types (mypy, strict)
	$(BIN)/mypy

format: $(VENV)/.installed-dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

format-check: $(VENV)/.installed-dev  ## Check the format
	$(BIN)/ruff format --check .

check: test lint types format-check  ## Everything CI runs

lock:  ## Pin exact versions again (needs uv)
	printf 'hatchling\neditables\n' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra local pyproject.toml - -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra dev pyproject.toml -o requirements-dev.lock

clean:  ## Remove what was built, installed and trained
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis examples/*/.automl-plan examples/*/state examples/*/data
