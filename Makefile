# citybrain: `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help venv test lint fmt lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "citybrain needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps -e .
	touch $@

venv: $(VENV)/.installed ## the virtual environment with pinned dependencies

lint: venv ## format, lint, types and floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src commands projections ops tests
	$(BIN)/lint-imports

test: lint ## everything that must hold: lint, then all tests
	$(BIN)/pytest -n auto

fmt: venv ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: venv ## pin the dependencies again
	$(BIN)/pip-compile -q --generate-hashes --extra dev --strip-extras --allow-unsafe --no-emit-find-links --no-emit-index-url --no-emit-trusted-host -o requirements.lock pyproject.toml

clean: ## remove what was built, not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
