# make run    sets everything up and starts HexaSched with a sample; options: make run ARGS="--port 9000"
# make test   sets everything up and runs all tests; options for pytest: make test ARGS="-k cron"
# make test-vm  boots Debian 12 in qemu and checks systemd, cgroups and Docker there; root, about an hour
# make bench  measures, prints a table and writes bench/results.json; a part: make bench ARGS="warm herd"
# make torture  kills, freezes and edits a service at random and judges what is left: make torture ARGS="--seconds 600"
# make mutations  removes each single part of the sandbox in turn; one of the hostile functions must break out then
# make soak   10,000 runs through a real service, hostile ones among them; fewer: make soak ARGS="--runs 500"
# make check  format, lint, types, import contract, tests: the one definition of green

usable = $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do $(call usable,$$p) && echo $$p && break; done)
endif
VENV := .venv
INSTALLED := $(VENV)/installed
INSTALLED_TEST := $(VENV)/installed-test
SOURCES := setup.cfg pyproject.toml tools/build_backend.py tools/build_assets.py \
	$(wildcard web/assets/*.json web/assets/*.mjs web/assets/src/*)
PIP := umask 022 && PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(VENV)/bin/python -m pip install --quiet

# The stamps hold the folder's name: an environment does not work in a folder that was moved or copied.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
$(INSTALLED): anew
endif
ifneq ($(shell cat $(INSTALLED_TEST) 2>/dev/null),$(CURDIR))
$(INSTALLED_TEST): anew
endif

.PHONY: install run test torture mutations soak bench test-vm lint check clean anew python
install: $(INSTALLED)
anew:

python:
	@[ -n "$(PYTHON)" ] && $(call usable,$(PYTHON)) || { echo "HexaSched needs Python 3.11 or newer and finds none. Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }

$(INSTALLED): $(SOURCES) | python
	@$(PYTHON) tools/setup.py install
	@echo "Setting up $(VENV): Python packages, Node.js, the browser's files (a minute or two) …"
	@if $(VENV)/bin/python -c pass 2>/dev/null && [ "$$(cat $@ 2>/dev/null || pwd)" = "$(CURDIR)" ]; then :; \
	else umask 022 && $(PYTHON) -m venv --clear $(VENV); fi
	@$(PIP) --editable .
	@echo "$(CURDIR)" > $@

$(INSTALLED_TEST): $(INSTALLED)
	@echo "Adding to $(VENV) what the tests need …"
	@$(PIP) --editable '.[test,node18]'
	@echo "$(CURDIR)" > $@

run: python
	@$(PYTHON) tools/setup.py run $(ARGS)
	@$(MAKE) --no-print-directory install
	@exec $(VENV)/bin/hexasched serve --sample $(ARGS)

test: python
	@$(PYTHON) tools/setup.py test
	@$(MAKE) --no-print-directory $(INSTALLED_TEST)
	@$(VENV)/bin/python tools/run_tests.py $(ARGS)

test-vm: $(INSTALLED_TEST)
	@$(VENV)/bin/python -m tests.vm $(ARGS)

soak: $(INSTALLED_TEST)
	@$(VENV)/bin/python -m tools.soak $(ARGS)

torture: $(INSTALLED_TEST)
	@$(VENV)/bin/python -m tests.torture $(ARGS)

mutations: $(INSTALLED_TEST)
	@TORTURE=yes $(VENV)/bin/python -m pytest -q tests/sandbox/test_mutations.py $(ARGS)

lint: $(INSTALLED_TEST)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

check: lint test

bench: $(INSTALLED_TEST)
	@$(VENV)/bin/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) build dist web/static/dist sandbox/node/acorn.cjs *.egg-info
	rm -rf .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
