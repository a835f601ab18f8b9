# Every command of this repository. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
HOST ?= 127.0.0.1
CASES ?= 60
DEMO_DIR ?= .demo
ARGS ?=
QUICK ?=

RUN := $(VENV)/bin/python
# The lock names every package with its hashes, also those that others pull in: pip need not decide anything.
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps

.PHONY: help demo demo-signin demo-reset test test-long check bench screenshots locks

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo-ready ## Run it here with invented people: http://127.0.0.1:8000 (PORT=, CASES=, DEMO_DIR=)
	@exec $(RUN) -m casework.operations.demo run --dir "$(DEMO_DIR)" --host "$(HOST)" --port "$(PORT)" --cases "$(CASES)"

demo-signin: $(VENV)/.demo-ready ## Print new sign-in links and codes for the running demo
	@exec $(RUN) -m casework.operations.demo signin --dir "$(DEMO_DIR)"

demo-reset: $(VENV)/.demo-ready ## Remove the demo's data folder, and nothing else
	@exec $(RUN) -m casework.operations.demo reset --dir "$(DEMO_DIR)"

test: $(VENV)/.dev-ready ## Run the tests (ARGS= goes to pytest)
	@tests/ensure_programs.sh
	$(RUN) -m pytest -n 2 $(ARGS)

test-long: $(VENV)/.dev-ready ## Run the campaigns: faults, large data, hostile files, every screen
	@tests/ensure_programs.sh
	$(RUN) -m pytest -m long $(ARGS)

check: $(VENV)/.dev-ready ## Lint, types, layers, deploy check, migrations, templates: all findings, not the first
	@VENV="$(VENV)" .ci/check

bench: $(VENV)/.dev-ready ## Measure against the plain baseline; writes bench/results.json (QUICK=1: fewer rounds)
	$(RUN) -m bench $(if $(QUICK),--quick) $(ARGS)

screenshots: $(VENV)/.dev-ready ## Save the pages as PNG
	@tests/ensure_programs.sh chromium
	$(RUN) -m tests.screenshots $(ARGS)

locks: ## Write requirements/*.txt anew from pyproject.toml (needs uv; UPGRADE=1 takes newer versions)
	@requirements/compile.sh

# pip comes last in a new environment, so its presence tells that the environment is whole.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Casework needs Python 3.11 or newer; $(PYTHON) is not. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making the Python environment $(VENV) …"
	@said=$$($(PYTHON) -m venv "$(VENV)" 2>&1) || { echo "$$said" >&2; \
		echo "This Python cannot make an environment. On Debian or Ubuntu, as root: apt install python3-venv" >&2; exit 1; }

$(VENV)/.demo-ready: requirements/embedded.txt | $(VENV)/bin/pip
	@echo "Installing the locked packages into $(VENV) …"
	@$(INSTALL) -r $<
	@touch $@

$(VENV)/.dev-ready: requirements/dev.txt | $(VENV)/bin/pip
	@echo "Installing the locked packages for development into $(VENV) …"
	@$(INSTALL) -r $<
	@touch $@
