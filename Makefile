# Every target sets up what it needs by itself on a fresh Debian or Ubuntu, and is quick the
# second time. Beside packages by apt-get, all is written below here and ~/.cache/tipline-gw.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SUDO   := $(if $(filter 0,$(shell id -u)),,sudo -E)

.PHONY: demo test lint bench setup system testers asterisk lock clean help

help:
	@echo 'make demo    the whole system on this machine, with virtual modems and a real Asterisk'
	@echo 'make test    everything'
	@echo 'make lint    ruff, mypy, import contracts, bandit'
	@echo 'make bench   what a message costs, and a call'
	@echo 'make setup   the virtual environment in $(VENV) alone'
	@echo 'make lock    the two lock files anew from pyproject.toml'

demo: setup asterisk
	@$(BIN)/tipline-gw demo

# Callers, modems and clocks of the tests are real, and a machine that stands still for a moment
# spoils what they do. What failed is run once more by itself, and has to hold then.
test: setup testers asterisk
	$(BIN)/python -m pytest --cache-clear $(PYTEST_ARGS) || { [ $$? -eq 1 ] && \
	    echo '== what failed above, once more by itself' && \
	    $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r tipline_gw

bench: setup testers asterisk
	$(BIN)/python -m tests.bench

setup: system $(READY)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 0, "final"))' || { \
	    echo "Python 3.11 or newer is needed, this is $$($(PYTHON) -V): take Debian 12, Ubuntu 24.04" && \
	    echo 'or newer, or name another one that is installed: make PYTHON=python3.13 demo' && \
	    exit 1; } >&2
	@echo '== Python packages into $(VENV) (half a minute, once)'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

# What Python cannot bring: espeak-ng speaks the prompts.
system:
	@if ! command -v espeak-ng >/dev/null || ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	    echo '== espeak-ng and python3-venv, by apt-get'; \
	    $(SUDO) apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends \
	        espeak-ng python3-venv >/dev/null; \
	fi

# What the tests compare with: two other SMS daemons, the other database, npm for the age vectors.
testers:
	@missing=; \
	command -v gammu-smsd >/dev/null || missing="$$missing gammu-smsd"; \
	command -v smsd >/dev/null || missing="$$missing smstools"; \
	ls /usr/lib/*/dbd/libdbdsqlite3.so >/dev/null 2>&1 || missing="$$missing libdbd-sqlite3"; \
	command -v socat >/dev/null || missing="$$missing socat"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ]; then \
	    echo "== by apt-get:$$missing"; \
	    $(SUDO) apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends \
	        $$missing >/dev/null; \
	fi

# A real Asterisk 22 beside this system, for the demonstration and the tests. Where it cannot be
# made, the demonstration says so and goes on with texts; the tests that need it fail by name.
asterisk:
	@$(SUDO) tests/asterisk/prepare >/dev/null || true

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet

lock:
	$(LOCK) --extra dev pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra postgresql --constraint requirements-dev.lock pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	    .import_linter_cache
