# Needs Python >= 3.11, make and the package registry; everything else is made here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo serve test lint load bench faults format clean
.DEFAULT_GOAL := demo

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

demo: $(READY)  ## a new market, a year of trade, settled books, both subsidies explained
	@$(BIN)/datamarket demo

serve: $(READY)  ## the API on http://127.0.0.1:8000/docs
	@$(BIN)/datamarket serve

test: $(READY)  ## all tests, on the embedded PostgreSQL or on DATABASE_URL
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(READY)  ## style, types, import order
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

load: $(READY)  ## thirty seconds of the three journeys, then the books must balance
	@$(BIN)/python -m loadtests.run --seconds 30

bench: $(READY)  ## ratios, both sides in one run; writes var/bench/latest.json
	@$(BIN)/python -m loadtests.bench

faults: $(READY)  ## servers killed, rows tampered with, a backup restored: seven minutes, each proof with its control
	@$(BIN)/python -m loadtests.faults --seconds 90

clean:
	rm -rf $(VENV) build src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
