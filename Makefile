# Everything runs in .venv, which each target makes for itself; nothing is installed anywhere else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Constraints reach the build environment too, so that a build next year uses the same tools.
PIP    := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
          $(BIN)/python -m pip install --quiet

# Tests run in several processes, whose number JOBS sets (0: in one). Those without Kafka in one for each processor, each
# file in one of them, in order, as tests share stores. Those with it, which wait more than they work and bring their own,
# in two with brokers of their own, where who is done takes over what another has before it.
AT_ONCE = -n $(or $(JOBS),$(1)) --maxprocesses=8
BY_FILE = --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-kafka test-all test-slow chaos kafka check format docs bench clean

help:  ## this text
	@echo "Epochal: what you can make here"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo $(if $(KAFKA),$(VENV)/.dev)  ## a whole experiment, really trained: 18 trials, report, verdict, lineage (2 to 4 minutes); KAFKA=1: through Kafka
	@$(if $(KAFKA),$(BIN)/python tests/kafka_demo.py,$(BIN)/epochal demo) --output out

test: $(VENV)/.dev  ## the test suite that needs no Kafka, with coverage: a few minutes; JOBS=0: one test at a time
	@$(BIN)/python -m pytest -q $(call AT_ONCE,logical) $(BY_FILE) --cov

test-long: $(VENV)/.dev  ## the tests of it that take seconds each: kills, floods, whole stories; coverage adds up
	@$(BIN)/python -m pytest -q $(call AT_ONCE,logical) $(BY_FILE) --cov --cov-append -m "long and not slow and not kafka"

test-kafka: $(VENV)/.dev  ## the tests on a real broker: EPOCHAL_TEST_KAFKA=host:port, else Docker, else Java 17 and Maven
	@$(BIN)/python -m pytest -q $(call AT_ONCE,2) --dist=worksteal -m "kafka and not slow" --durations=12

test-all: $(VENV)/.dev  ## all three of them, each also when one before it fails
	@status=0; for suite in test test-long test-kafka; do $(MAKE) --no-print-directory $$suite || status=1; done; \
	  echo "Left out: tests on a ClickHouse server, as none can be had here (its SQL is parsed by the same engine, and a"; \
	  echo "store's host speaks its protocol), and those that take minutes each (make test-slow, make chaos N=100)."; \
	  exit $$status

chaos: $(VENV)/.dev  ## every fault that tests inject, N times each (N=3), with a table of faults and seeds at the end
	@EPOCHAL_TEST_CHAOS=$(or $(N),3) $(BIN)/python -m pytest -q -m chaos --timeout=0

test-slow: $(VENV)/.dev $(VENV)/.demo  ## the long tests: hundreds of kills, the demo itself, also through Kafka
	@$(BIN)/python -m pytest -q -m slow

kafka: $(VENV)/.dev  ## a broker to play with, in the foreground, on 127.0.0.1:9092 (Java 17 and Maven)
	@$(BIN)/python tests/kafka_broker.py

check: $(VENV)/.dev  ## format, lint, types (mypy and pyright strict), import layers, generated documents
	@status=0; for step in "ruff format --check --quiet ." "ruff check --quiet ." "mypy" "pyright" \
	  "lint-imports --no-cache" "python -m pytest -q tests/docs"; do \
	  echo "-- $$step"; $(BIN)/$$step || status=1; done; exit $$status

format: $(VENV)/.dev  ## format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(VENV)/.dev  ## write the generated documents again
	@$(BIN)/python tests/docs/generated.py --write

bench: $(VENV)/.dev $(VENV)/.demo  ## every figure of docs/performance.md, beside its target and its limit
	@$(BIN)/python benchmarks/run.py

clean:  ## remove the environment, caches and build outputs (never a store)
	@rm -rf $(VENV) out dist build .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------- the environment

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Epochal needs Python 3.11 or later; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 || true)."; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu the package python3-venv brings it."; exit 1; }

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what tests and checks need into $(VENV) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the demo needs into $(VENV) (Keras, JAX, scikit-learn: about 1 GB) ..."
	@$(PIP) --editable '.[demo]'
	@touch $@
