# Needs git, make and Python 3.12 or newer. Everything else is brought into this folder; nothing is installed globally.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo up test test-long check fix package bench card lock clean

PYTHON ?= $(shell for p in python3.12 python3 python3.13 python3.14; do \
  $$p -c 'import sys; raise SystemExit(sys.version_info < (3, 12))' 2>/dev/null && command -v $$p && break; done)
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS ?= 0
export AWS_EC2_METADATA_DISABLED := true
# Bytecode of what is installed is kept, whatever this machine prefers: every start after the first is twice as quick.
unexport PYTHONDONTWRITEBYTECODE

help: ## What can be made here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# $(call stage,NAME,COMMAND): runs a command and tells how long it took.
define stage
	@start=$$(date +%s); $(2) && printf '%-12s %5d s\n' "$(1)" $$(( $$(date +%s) - start ))
endef

$(UV): requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "Sortownia needs Python 3.12 or newer: install it, or name it with make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv .tools || { echo "This Python cannot make environments: install its venv package (python3-venv on Debian)" >&2; exit 1; }
	$(call stage,uv,.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt)
	@touch $@

.venv/ready: $(UV) requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$(PYTHON)" .venv
	$(call stage,libraries,$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv-stack/ready: $(UV) requirements/stack.txt
	@test -x .venv-stack/bin/python || $(UV) venv --quiet --python "$(PYTHON)" .venv-stack
	$(call stage,emulator,$(UV) pip sync --quiet --python .venv-stack/bin/python --require-hashes requirements/stack.txt)
	@touch $@

setup: .venv/ready .venv-stack/ready model ## Install everything into this folder and train the starter model

.PHONY: model
model: .venv/ready
	@$(BIN)/python -m training.starter --out classifiers/starter --keep build/starter.joblib

demo: setup ## The whole system on this machine, with sample mail and chat
	@$(BIN)/sortownia demo $(ARGS)

up: setup ## The same, empty
	@$(BIN)/sortownia up $(ARGS)

test: setup ## All tests but the nightly ones, on all cores (ARGS="-n 0 -s" prints figures)
	@$(BIN)/pytest -m "not long" -n auto --no-loadscope-reorder $(ARGS)

test-long: setup ## The nightly tests
	@$(BIN)/pytest -m long $(ARGS)

check: .venv/ready ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: .venv/ready ## Repair what can be repaired by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

package: setup ## Build and verify what goes to AWS: build/package
	@$(BIN)/sortownia package $(ARGS)

bench: setup ## Measure the budgets: build/bench.json
	@$(BIN)/python -m tests.bench $(ARGS)

card: setup ## What the starter model is and what it reaches: build/card.html (ARGS=--curve learns anew on parts of the corpus)
	@$(BIN)/sortownia card --out build/card.html $(ARGS)

LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
  --python-version 3.12 --custom-compile-command "make lock"
lock: $(UV) ## Pin all dependencies anew (UPGRADE=--upgrade for newer versions)
	@$(LOCK) $(UPGRADE) pyproject.toml -o requirements.txt
	@$(LOCK) $(UPGRADE) --constraint requirements.txt --group dev pyproject.toml -o requirements/dev.txt
	@$(LOCK) $(UPGRADE) --constraint requirements/dev.txt --group training pyproject.toml -o requirements/training.txt
	@$(LOCK) $(UPGRADE) --group stack -o requirements/stack.txt
	@$(LOCK) $(UPGRADE) --group uv -o requirements/uv.txt

clean: ## Remove everything that was made or installed here
	@rm -rf .venv .venv-stack .tools .local build classifiers/starter classifiers/starter.sha256
