# Morphogen: all set-up from a bare Python 3.11. `make` lists the targets.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types docs tests format bench evidence clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
WORKERS ?= 2
export OMP_NUM_THREADS ?= 1

# The first Python that is new enough and can make environments; PYTHON=... names another.
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$python" -c '$(USABLE)' >/dev/null 2>&1 && echo "$$python" && break; done)

# $(call stage,NAME,COMMAND): run, and say how long it took.
stage = printf '%-6s ... ' '$(1)'; start=$$SECONDS; output=$$({ $(2); } 2>&1) \
	&& echo "passed in $$((SECONDS - start)) s" || { echo "FAILED"; printf '%s\n' "$$output"; exit 1; }

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

# --- environment ----------------------------------------------------------------------------------------------------

$(BIN)/python:
	@python="$(PYTHON)"; "$${python:-python3}" -c '$(USABLE)' 2>/dev/null || { \
		echo "Morphogen needs Python 3.11 or newer with its venv module; found: $$($${python:-python3} --version 2>&1)."; \
		echo "Name one:  make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }; \
	echo "making the environment $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)

# What a user needs (with the page and ONNX), and what a developer needs on top; the second covers the first.
$(VENV)/user: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing Morphogen into $(VENV) (the first time takes 1 to 2 minutes, most of it torch)"; start=$$SECONDS; \
	$(PIP) -e ".[report,onnx]"; touch $@; echo "installed in $$((SECONDS - start)) s"

$(VENV)/developer: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing Morphogen and its tools into $(VENV) (the first time takes 1 to 2 minutes, most of it torch)"; \
	start=$$SECONDS; $(PIP) -e ".[dev]"; touch $(VENV)/user $@; echo "installed in $$((SECONDS - start)) s"

# --- to use ---------------------------------------------------------------------------------------------------------

DEMO := search --space digits_small --data digits --strategy regularized_evolution --time 150s --study demo/study.db

demo: $(VENV)/user ## search on real images, and train the best network (3 minutes)
	@mkdir -p demo; echo "morphogen $(DEMO)"; $(BIN)/morphogen $(DEMO)

evidence: $(VENV)/developer ## run every claim's experiment; QUICK=1 for the short forms
	@$(BIN)/morphogen evidence all $(if $(QUICK),--quick)

bench: $(VENV)/developer ## run every script of benchmarks/
	@for script in benchmarks/*.py; do echo "--- $$script"; $(BIN)/python "$$script"; done

# --- to develop -----------------------------------------------------------------------------------------------------

test: lint types docs tests ## lint, strict types, strict docs, all tests (what CI runs)

lint: $(VENV)/developer ## ruff: rules and format
	@$(call stage,lint,$(BIN)/ruff check --output-format concise . && $(BIN)/ruff format --check .)

types: $(VENV)/developer ## mypy, strict
	@$(call stage,types,$(BIN)/mypy)

docs: $(VENV)/developer ## the documentation, strict, into build/docs
	@$(call stage,docs,$(BIN)/sphinx-build -n -W --keep-going -q -d build/doctrees docs build/docs)

tests: $(VENV)/developer ## all tests, on WORKERS=2 processes
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

format: $(VENV)/developer ## put imports and layout in order
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist docs/api docs/generated .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
