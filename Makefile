# citybrain: `make` lists the targets. Nothing outside this folder is changed, except that
# `make test` installs a browser, Java, Maven and PgBouncer where none are found (it says so first).

NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	$$each $(NEW_ENOUGH) && echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
WEB := src/web
PAGES := src/citybrain/http/pages/manifest.json
WEB_SOURCES := $(filter-out %.gen.ts, $(wildcard $(WEB)/*.* \
	$(foreach each,shared phone board desk audit signin,$(WEB)/$(each)/* $(WEB)/$(each)/*/*)))
API := build/openapi.json
TYPED := src commands projections ops tests

PIN := build/lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras \
	--no-header --no-emit-find-links --no-emit-index-url --no-emit-trusted-host

# What `make run`, `make bench` and the tests get besides: make run ARGS="--port 9000"
ARGS ?=

# How many times as long a storm goes on as `make test`: make storm STORM=100
STORM ?= 20

# Each process that a test starts would compile our sources anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test storm lint types fmt new-system bench venv pages described kafka lock system clean

help: ## list the targets
	@printf 'citybrain: an event-sourced backend for a city\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: pages venv ## start it all for development: PostgreSQL, server, read models, a simulated city
	@exec $(BIN)/citybrain run $(ARGS)

test: system kafka lint types pages ## everything that must hold: lint, types, floors, every test
	npm --prefix $(WEB) run --silent test
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

storm: system kafka venv pages ## faults, soaks and searches by chance, STORM=20 times as long as in `make test`
	CITYBRAIN_STORM=$(STORM) $(BIN)/pytest -n auto --dist worksteal -m "fault or storm or hypothesis" $(ARGS)

lint: venv ## format, lint and the floors of the house (which module may import which)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: venv ## check the types, strictly
	$(BIN)/mypy $(TYPED)

fmt: venv ## format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

new-system: venv ## put the rooms of a new system in place: NAME=parking STREAM=berth
	@$(BIN)/python -m ops.new_system $(NAME) $(STREAM)

bench: venv ## measure: append, replay, project, HTTP, faces; JSON on standard output
	@$(BIN)/citybrain bench all $(ARGS)

venv: $(VENV)/.installed ## the virtual environment, with exactly the pinned packages

$(VENV)/.installed: requirements.lock requirements-sumo.lock pyproject.toml
	@$(BIN)/python $(NEW_ENOUGH) || $(or $(PYTHON),false) $(NEW_ENOUGH) || \
		{ echo 'citybrain needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(BIN)/python $(NEW_ENOUGH) || { echo 'making $(VENV) with $(PYTHON)'; $(PYTHON) -m venv --clear $(VENV); }
	@echo 'installing what requirements.lock pins'
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock || \
		{ echo 'not all could be installed: without a network nothing can be; then say the same again' >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-sumo.lock || \
		echo 'SUMO has no wheel for this platform: signals run without a simulated street, and their tests on it fail' >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

pages: $(WEB)/node_modules/.installed described $(PAGES) ## the four clients, from TypeScript

$(PAGES): $(WEB)/node_modules/.installed $(WEB_SOURCES) $(WEB)/shared/api.gen.ts
	@npm --prefix $(WEB) run --silent build
	@touch $@

described: venv # what the API is, for the types of the pages: written where it changed
	@$(BIN)/python -m ops.api_document $(API)

$(API): described

$(WEB)/shared/api.gen.ts: $(API) $(WEB)/node_modules/.installed
	@$(WEB)/node_modules/.bin/openapi-typescript $(API) --output $@ >/dev/null

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a < 20 || (a == 20 && b < 19) ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || \
		{ echo 'the pages are built with Node.js 20.19 or newer and npm: install them first' >&2; exit 1; }
	@echo 'installing what $(WEB)/package-lock.json pins'
	@npm --prefix $(WEB) ci --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

kafka: venv ## Apache Kafka for tests and development, from Maven Central, into build/
	@$(BIN)/python -m ops.kafka fetch >/dev/null || echo 'the tests that need a broker are skipped' >&2

lock: ## pin the newest allowed packages again, with their hashes
	@test -x build/lock/bin/pip-compile || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet pip-tools; }
	@$(PIN) --extra dev --unsafe-package opencv-python -o build/requirements.lock pyproject.toml
	@$(PIN) -c build/requirements.lock -o build/requirements-sumo.lock ops/sumo.in
	@for each in requirements requirements-sumo; do \
		{ echo '# Pinned with hashes by `make lock`; not to be edited by hand.'; sed '/^# WARNING: /,$$d; /^$$/d' build/$$each.lock; } > $$each.lock; done

system:
	@ops/install-system-packages.sh

clean: ## remove what was built; data/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis
	rm -rf $(WEB)/node_modules $(WEB)/shared/api.gen.ts $(WEB)/board/font src/citybrain/http/pages
