# make demo   twelve simulated clients, raw files to packets, in runs/demo
# make lab    JupyterLab in that demo, or in WORKSPACE=folder
# make test   the tests (a few minutes); SLOW=1 adds the slow, browser and Spark ones
# make slow   those alone
# make long   the longest of them, which take half an hour
# make docs   the documentation site, in runs/site
# make lint   style and types

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= test
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo lab docs test slow long lint clean

demo: $(READY)
	$(BIN)/rcm demo runs/demo

WORKSPACE ?= runs/demo

lab: EXTRAS = test,lab
lab: $(READY)
	$(BIN)/python -c 'import jupyterlab' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable ".[lab]"
	test -f $(WORKSPACE)/rcm.toml || $(BIN)/rcm demo $(WORKSPACE)
	$(BIN)/rcm lab --workspace $(WORKSPACE)

docs: EXTRAS = test,docs
docs: $(READY)
	$(BIN)/python -c 'import mkdocs, mkdocstrings' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal -q
ifdef SLOW
	$(MAKE) slow
endif

slow: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup -q -m "(slow or browser or spark) and not long" tests

long: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup -q -m long tests

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# A virtual environment of the checkout's own; made again when the dependencies change.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[$(EXTRAS)]"
	touch $(READY)

clean:
	rm -rf $(VENV) runs/demo
