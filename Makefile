# Every command a developer needs. `make` alone lists them.

BIN := .venv/bin
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
READY := .venv/.ready
REQUIREMENTS := requirements-dev.in constraints.txt $(wildcard protos/pyproject.toml clients/python/pyproject.toml server/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check lint types imports contract stubs sizes lint-docker \
	format protos baseline constraints clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv; does nothing when it is up to date

# pip reads the machine's pip configuration, uv does not: where uv finds no packages, pip may.
$(READY): $(REQUIREMENTS)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --system-certs --quiet -c constraints.txt -r requirements-dev.in \
		|| $(BIN)/python -m pip install --quiet -c constraints.txt -r requirements-dev.in
	@touch $@

demo: setup ## speech to text through the real server, on bundled recordings
	$(BIN)/sori demo

run: setup ## serve on 127.0.0.1:50051 in the foreground
	$(BIN)/sori serve

test: setup ## all tests this machine has the tools for
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile

check: lint types imports contract stubs sizes lint-docker ## everything that is checked without running Sori

lint: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## static types
	$(BIN)/mypy

imports: setup ## direction of imports
	$(BIN)/lint-imports

contract: setup ## the proto file: style, and nothing broken since the baseline
	$(BIN)/buf lint
	$(BIN)/buf breaking --against protos/baseline.binpb

stubs: setup ## committed stubs and JSON Schema are those of the proto file
	tools/check_protos.sh

sizes: setup ## modules and functions stay small
	$(BIN)/python tools/check_sizes.py

lint-docker: setup ## the Dockerfile
	$(BIN)/hadolint Dockerfile

format: setup ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: setup ## make the Python stubs and the JSON Schema from the proto file
	tools/gen_protos.sh

baseline: setup ## accept the proto file as what later versions must not break
	$(BIN)/buf build --exclude-source-info -o protos/baseline.binpb

constraints: setup ## pin the newest versions of everything; UPGRADE= keeps the present ones
	$(BIN)/uv pip compile $(UPGRADE) requirements-dev.in server/pyproject.toml --extra cuda \
		--universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
		--no-emit-package sori-protos --no-emit-package sori-client --no-emit-package sori-server \
		--quiet -o constraints.txt
UPGRADE ?= --upgrade

clean: ## remove .venv and all caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
