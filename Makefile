# Needs Python >= 3.11, make and the package registry; everything else is made here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
RIVALS := var/rivals/.ready
FAILOVER := var/failover/.ready
FUZZ := tests/edge/test_openapi_fuzz.py
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
COMPILE := var/lock/bin/uv pip compile --universal --python-version 3.11 --quiet \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links
SIZE ?= demo
SECONDS := 30# the shell has one of its own; given on the line, it counts

.PHONY: demo serve test test-pages pictures coverage lint format hooks load bench rivals figures faults failover soak clients docs lock clean help
.DEFAULT_GOAL := demo

# What the market runs on, and nothing else.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

# What it is tested, typed and loaded with, on top.
$(DEV): $(READY) requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# What the bench runs beside us, in an environment of its own.
$(RIVALS): loadtests/rivals/rivals.lock
	$(PYTHON) -m venv --clear var/rivals
	var/rivals/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

# What leads three PostgreSQL when one of them must die, in an environment of its own.
$(FAILOVER): loadtests/faults/failover.lock
	$(PYTHON) -m venv --clear var/failover
	var/failover/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

demo: $(READY)  ## a new market, a year of trade, settled books, both subsidies explained
	@$(BIN)/datamarket demo

serve: $(READY)  ## the API on http://127.0.0.1:8000/docs
	@$(BIN)/datamarket serve

test: $(DEV)  ## all tests, on the embedded PostgreSQL or on DATABASE_URL
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-pages: $(DEV)  ## the portal's pages in a real browser: apt-get install chromium, or set DATAMARKET_BROWSER=/path/to/it
	$(BIN)/python -m pytest tests/pages -n 2 --dist loadgroup

pictures: $(DEV)  ## docs/pages: twelve pages as a browser shows them
	DATAMARKET_PICTURES=docs/pages $(BIN)/python -m pytest tests/pages/test_pictures.py -n 0

# The fuzzing is counted by nobody: its server runs in threads, whose greenlets CPython 3.11 tidies up in pending calls,
# and there a line that coverage traces can wait for ever.
coverage: $(DEV)  ## all tests, and the branches they took but for the fuzzing; fails below the floor in pyproject.toml
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore=$(FUZZ) --cov --cov-report=term
	$(BIN)/python -m pytest -n 2 --dist loadfile $(FUZZ)

lint: $(DEV)  ## style, types, import order
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV)  ## what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hooks: $(DEV)  ## from now on git runs `make lint` before each commit
	$(BIN)/pre-commit install

load: $(DEV)  ## the three journeys, then the books must balance; SIZE=demo|city|nation PART= SECONDS=30 USERS=
	@$(BIN)/python -m loadtests.run --size $(SIZE) --seconds $(SECONDS) $(if $(PART),--part $(PART)) $(if $(USERS),--users $(USERS))

bench: $(DEV) $(RIVALS)  ## ratios, both sides in one run; FULL=1: ten million legs; ONLY=P3: that row; writes var/bench/latest.json
	@$(BIN)/python -m loadtests.bench $(if $(FULL),--full) $(if $(ONLY),--only $(ONLY))

rivals: $(DEV) $(RIVALS)  ## the top-ten award by SQL, DuckDB, polars and openfisca-core: first right to the fen, then timed
	@$(BIN)/python -m loadtests.rivals.award

figures: $(DEV)  ## the figures of docs/performance.md and README.md, from what `make bench` left
	$(BIN)/python docs/make_performance.py

faults: $(DEV)  ## servers killed, disks filled, power cut, rows tampered with, backups restored, each with its control
	@$(BIN)/python -m loadtests.faults --seconds 90

failover: $(DEV) $(FAILOVER)  ## three PostgreSQL under Patroni on the loopback: the primary killed three times and frozen once under load; nine minutes
	@$(BIN)/python -m loadtests.faults --only failover

soak: $(DEV)  ## sixty times the fuzzed requests, thirty times the histories of the chain and the snapshots of the subsidy, and 100,000 steps of walks
	DATAMARKET_FUZZ_EFFORT=60 $(BIN)/python -m pytest -n 2 $(FUZZ) tests/edge/test_hostile_requests.py
	DATAMARKET_FUZZ_EFFORT=30 $(BIN)/python -m pytest -n 2 tests/property/test_chain_from_the_audit.py tests/property/test_subsidy_sql_oracle.py tests/property/walks

clients: $(DEV)  ## clients made from the API's document by two generators, in an environment of their own; must be strictly typed
	@.ci/clients/check

docs: $(DEV)  ## the parts of README.md and docs/ that the code decides
	$(BIN)/python docs/make_glossary.py
	$(BIN)/python docs/make_blocks.py

lock:  ## the lock files from pyproject.toml; what is pinned stays, unless its line is deleted before
	$(PYTHON) -m venv var/lock
	var/lock/bin/python -m pip --quiet install uv
	$(COMPILE) pyproject.toml --extra build --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) .ci/clients/generators.in --output-file .ci/clients/generators.lock
	$(COMPILE) pyproject.toml --extra rivals --constraint requirements.lock --output-file loadtests/rivals/rivals.lock
	$(COMPILE) --group failover --constraint requirements.lock --output-file loadtests/faults/failover.lock

clean:  ## the virtual environment and what tools leave behind; not the market in var/
	rm -rf $(VENV) build src/*.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
