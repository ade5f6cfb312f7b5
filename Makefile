# Each target needs nothing but Python 3.11 or newer and network to the package registry.
# `test`, `bench` and `broker` also use Java 17 and Maven for a real Kafka broker.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test check bench broker
.DELETE_ON_ERROR:

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(READY)

demo: $(READY)
	$(BIN)/tuzhan-connector demo

test: $(READY)
	$(BIN)/python -m pytest -m 'not bench' $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py

bench: $(READY)
	$(BIN)/python -m pytest -q -s -m bench tests/bench $(ARGS)

broker: $(READY)
	$(BIN)/python -m tests.kafka.broker
