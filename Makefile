# Each target needs nothing but Python 3.11 or newer and network to the package registry.
# `test`, `bench`, `scale`, `chaos` and `broker` also use Java 17 and Maven for a real Kafka broker, and `test` for a schema registry;
# as root of a Debian, `test` installs Chromium for the tests of pages and systemd for those of its unit; it fetches Prometheus
# for those of alerts.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt --editable
# What a user needs to run the connector, and what its developers need besides.
INSTALLED := .venv/.installed
DEVELOPED := .venv/.installed-dev
PARALLEL := --numprocesses 3 --dist loadfile

.PHONY: setup demo test unit check bench scale mutants broker chaos browser prometheus systemd images dist
.DELETE_ON_ERROR:

$(INSTALLED): pyproject.toml constraints.txt
	@echo 'Setting up .venv: the connector and the libraries it runs on (once; half a minute or more, by your network)'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.11")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(PIP) .
	@touch $@
	@echo 'Ready: $(BIN)/tuzhan-connector --help'

$(DEVELOPED): $(INSTALLED)
	@echo 'Adding the tools that tests and checks need'
	@$(PIP) '.[dev]'
	@touch $@

setup: $(INSTALLED)

demo: $(INSTALLED)
	@$(BIN)/tuzhan-connector demo

# Three at a time, because most tests on the broker wait most of the time; each of the three has its own brokers.
test: $(DEVELOPED) browser prometheus systemd
	$(BIN)/python -m pytest $(PARALLEL) -m 'not bench and not images' $(ARGS)

browser:
	@sh tests/browser/install.sh

prometheus: $(DEVELOPED)
	@sh tests/alerts/install.sh $(BIN)

systemd:
	@sh tests/unit/compose/install.sh

unit: $(DEVELOPED)
	$(BIN)/python -m pytest -q $(PARALLEL) -m 'not bench and not kafka' tests/unit tests/contract $(ARGS)

check: $(DEVELOPED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py

bench: $(DEVELOPED)
	$(BIN)/python -m pytest -q -s -m bench tests/bench $(ARGS)

# 1, 2 and 4 members on the partitions of three brokers: docs/scaling.md. About three minutes for each protocol.
scale: $(DEVELOPED)
	$(BIN)/python -m tests.figures scale-out
	$(BIN)/python -m tests.figures scale-out-kip848

# The image and the stack, built and run: as root on Debian.
images: $(DEVELOPED)
	@sh tests/images/install.sh
	$(BIN)/python -m pytest -q -n 0 -m images tests/images $(ARGS)

# What a release consists of, made and tried: see docs/release.md.
dist: $(DEVELOPED)
	@$(PIP) '.[release]'
	$(BIN)/python -m tests.release

mutants: $(DEVELOPED)
	@$(PIP) '.[mutants]'
	$(BIN)/python -m tests.mutants $(ARGS)

# Rounds of chaos on a real broker for MINUTES, the first with SEED, then SCHEDULES of the simulation: hours of them.
# A round that failed is repeated by its own seed, MINUTES=0 and SCHEDULES=0.
SEED ?= 1
MINUTES ?= 10
SCHEDULES ?= 1000000
chaos: $(DEVELOPED)
	$(BIN)/python -m tests.chaos --seed $(SEED) --minutes $(MINUTES)
	$(BIN)/python -m tests.simulation --seed $(SEED) --schedules $(SCHEDULES) --jobs 2

broker: $(DEVELOPED)
	$(BIN)/python -m tests.kafka.broker
