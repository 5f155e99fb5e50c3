# The verbs of this project. Python 3.11 or newer and make are all that is needed.

PYTHON ?= python3
UV ?= $(or $(shell command -v uv 2>/dev/null),.venv/bin/uv)
RUN := .venv/bin
LOCKED := pyproject.toml uv.lock plugins/ayolinx/pyproject.toml plugins/midtrans/pyproject.toml tests/fake_adapter/pyproject.toml

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: help demo test check bench docs fix clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

demo: .venv/run ## watch charges being made, paid, cancelled and lost, on this machine
	@$(RUN)/paygate demo

test: .venv/test ## run the tests
	$(RUN)/pytest -n auto --dist worksteal -rs

check: .venv/dev ## exactly what CI runs
	$(UV) lock --check --quiet
	$(RUN)/ruff format --check --quiet .
	$(RUN)/ruff check --quiet .
	$(RUN)/mypy
	$(RUN)/pyright --warnings
	PAYGATE_FAULT_CALLS=800 $(RUN)/pytest -n auto --dist worksteal --cov --cov-report=term
	PAYGATE_FUZZ=100000 $(RUN)/pytest -n auto plugins/ayolinx/tests/test_callback_fuzz.py plugins/ayolinx/tests/test_callback_rubbish.py
	$(RUN)/python -m scripts.interpreters $(UV)
	$(MAKE) --no-print-directory docs

bench: .venv/run ## what paygate costs, against hand-written code
	$(RUN)/python -m benchmarks

docs: .venv/test ## run every example in the docs, and check their links
	$(RUN)/pytest README.md docs

fix: .venv/dev ## format, and mend what the linter can
	$(RUN)/ruff format --quiet .
	$(RUN)/ruff check --fix --quiet .

clean: ## remove what was made
	rm -rf .venv .venvs .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage sandbox-account

.venv/run .venv/test .venv/dev: .venv/%: $(LOCKED) | .venv/uv
	@echo "Installing what '$*' needs into .venv …"
	@$(UV) sync --frozen --inexact --quiet --no-default-groups --group $*
	@touch $@

.venv/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "paygate needs Python 3.11 or newer: make PYTHON=python3.12")'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@test -x "$(UV)" || { echo "Bringing uv into .venv …"; .venv/bin/python -m pip install --quiet --disable-pip-version-check uv; }
	@touch $@
