# Darban's commands. Everything is set up on first use, in .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILED := build/venv
CONFIG ?= config.toml

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-all test-release test-slow-host test-next-year lint prepare test-compiled compile check fmt size bench instructions mutants fuzz attacks chaos faults soak fidelity parity lists lists-release man docs reference pictures install release rollback uninstall lock clean

SOAK_MINUTES ?= 20
# Of a release of the lists: the hour (UTC), and half a year from now.
SERIAL ?= $(shell date -u +%Y%m%d%H)
EXPIRES ?= $(shell date -u -d '+180 days' +%F)

# Where the files of fast tests are: in memory, if the machine has such a directory, and room there.
# Some of these tests wait for fsync half of their time. Only files of tests that failed stay.
IN_MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df --output=avail /dev/shm | tail -n 1)" -gt 1000000 ] && echo TMPDIR=/dev/shm)
FAST := $(IN_MEMORY) $(BIN)/pytest -o tmp_path_retention_policy=failed -n auto

# Byte code is kept, so that not every process that the tests start compiles the source again.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run ## set up and start the resolver (CONFIG=config.toml)
	@$(BIN)/darban run --config $(CONFIG)

test: lint ## set up, then lint, types, every test that starts no process, and those of the real server that need nothing else
	PLAIN=1 $(FAST) -m "core or not processes"

test-fast: lint ## lint, strict types and the tests of the repository alone that start no process
	$(FAST) --maxprocesses=$$(nproc) -m "not processes and not shared_data"

# What make test leaves out starts processes. It runs compiled, as operators run the server, and so
# does once more what meets compiled modules. Without a compiler it runs interpreted.
COMPILER = $(shell command -v gcc >/dev/null && $(PYTHON) -c 'import pathlib, sysconfig; print(*pathlib.Path(sysconfig.get_path("include")).glob("Python.h"))')
test-all: test prepare ## all tests; as root, it installs the Debian packages that they need
	$(BIN)/pytest -n auto -m "processes and not core$(if $(COMPILER), and interpreted)"
	$(if $(COMPILER),$(MAKE) test-compiled)

test-release: test prepare ## before a release: the same, with the rows that only a release runs (needs gcc)
	$(BIN)/pytest -n auto -m "processes and not core and interpreted"
	$(MAKE) test-compiled MARKED="release or not release"

test-slow-host: prepare $(COMPILED)/dev ## before a release, as root: the tests of make test-compiled while all of their processes are frozen again and again
	PYTHONSAFEPATH=1 $(COMPILED)/bin/python -m tests.programs.slow_host

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

prepare: $(VENV)/dev
	@$(BIN)/python -m tests.live.prepare

test-next-year: prepare ## before a release: every test with the clock a year ahead, but those marked real_clock, and not in what boots or browses (Debian: faketime)
	$(BIN)/python -m tests.live.fake_clock 365 $(BIN)/pytest -n auto -m "not real_clock$(if $(ONLY), and ($(ONLY)))"

test-compiled: $(COMPILED)/dev ## every test that meets a compiled module, against the compiled package (needs gcc)
	@PYTHONSAFEPATH=1 $(COMPILED)/bin/python -m tests.live.prepare
	PYTHONSAFEPATH=1 $(COMPILED)/bin/pytest -n auto $(if $(MARKED),-m "$(MARKED)")

compile: $(COMPILED)/run ## compile the hot modules: build/venv/bin/darban is then the server, compiled

check: $(VENV)/run ## check a config and run its expectations, without a server (CONFIG=config.toml)
	@$(BIN)/darban check --config $(CONFIG)

fmt: $(VENV)/dev ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

size: $(VENV)/dev ## lines of code and words of documents by part, now and at the last release
	@$(BIN)/python -m tests.programs.size

bench: $(VENV)/dev ## measure this server beside its peers on this machine (or ONLY=growth: a change of a large network; ONLY=history: reading a full audit log)
	$(BIN)/python -m tests.programs.bench $(if $(ONLY),--only $(ONLY))

instructions: $(VENV)/dev ## count the instructions of a query, against BEFORE=COMMIT (Debian: valgrind, gcc)
	$(BIN)/python -m tests.programs.bench.instructions $(BEFORE)

mutants: build/mutants/ready ## change what decides, and say which changes no test notices (or REST=200: so many changes of other code)
	build/mutants/bin/python -m tests.programs.mutants $(if $(REST),--rest $(REST))

build/mutants/ready: requirements/mutants.txt | $(VENV)/bin/python
	@$(PYTHON) -m venv build/mutants
	@build/mutants/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutants.txt
	@touch $@

fuzz: $(VENV)/dev ## before a release: the property tests, with 500 examples or more each
	$(FAST) -m "hypothesis and not processes" --hypothesis-profile=release

attacks: $(VENV)/dev ## attack a real server in some fifty ways and print the table
	$(BIN)/python -m tests.programs.attacks

chaos: $(COMPILED)/dev ## break what a real server stands on, one fault and two at a time, under load
	PYTHONSAFEPATH=1 $(COMPILED)/bin/python -m tests.programs.chaos

faults: $(VENV)/dev ## break one thing after the other; say who is told, and whether the runbook mends it
	$(BIN)/python -m tests.programs.faults

soak: $(COMPILED)/dev ## faults at random for SOAK_MINUTES=20, with every answer and the memory watched
	PYTHONSAFEPATH=1 $(COMPILED)/bin/python -m tests.programs.chaos.soak --minutes $(SOAK_MINUTES)

fidelity: $(VENV)/dev ## compare 5,000 answers with those of a recursive Unbound
	$(BIN)/python -m tests.programs.fidelity

parity: $(VENV)/dev ## compare BIND, Unbound and others under Darban's policy with Darban
	$(BIN)/python -m tests.programs.parity

lists: $(VENV)/run ## write the block lists from blocklists/decisions.toml, and name what is undecided
	@$(BIN)/python -m blocklists.build

lists-release: $(VENV)/run ## write the lists and their manifest into build/lists-release, for a medium (SERIAL=, EXPIRES=)
	@rm -rf build/lists-release && mkdir -p build/lists-release
	@cp blocklists/*.txt blocklists/*.ip blocklists/*.firewall blocklists/*.filter build/lists-release
	@$(BIN)/darban lists manifest build/lists-release --serial $(SERIAL) --expires $(EXPIRES)

man: $(VENV)/run ## show the manual page, made of the commands
	@$(BIN)/python deploy/manual.py | man -l -

docs: build/site/ready reference ## the site of the documents, in build/docs
	build/site/bin/sphinx-build -q -W --keep-going -c docs/site -b html . build/docs
	@echo "build/docs/docs/README.html"

build/site/ready: requirements/docs.txt | $(VENV)/bin/python
	@$(PYTHON) -m venv build/site
	@build/site/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

reference: $(VENV)/run ## write what docs/reference has from the program, and the JSON Schema of a config
	@$(BIN)/python docs/make_reference.py

pictures: prepare ## take the README's pictures anew, where the clock is synchronised (Debian: chromium, fonts-vazirmatn, pngquant)
	mkdir -p docs/pictures
	PICTURES=$(CURDIR)/docs/pictures $(BIN)/pytest tests/end_to_end/watching/test_status_page.py
	pngquant --quality 60-90 --strip --speed 1 --force --ext .png docs/pictures/*.png

.PHONY: deb bundle try-packages
deb: $(VENV)/bin/python ## as root: build the Debian packages in build/deb (Debian: mmdebstrap)
	@rm -rf build/deb
	@PYTHON="$(CURDIR)/$(BIN)/python" deploy/debian/build.sh build/deb

bundle: deb ## as root: and one file that a server without Internet installs from
	@deploy/debian/bundle.sh build/deb

try-packages: bundle $(VENV)/dev ## as root, before a release: install, upgrade, also from earlier releases, and purge on Debian 12 and 13; lintian, piuparts, autopkgtest, a second build
	$(BIN)/python -m tests.programs.packages
	$(BIN)/python -m tests.programs.upgrades
	@deploy/debian/try.sh build/deb

install: ## as root: install or upgrade on this Debian server, and start the service (COMPILE=no: pure; ENCRYPTED=yes: with DNS over TLS and HTTPS)
	@PYTHON="$(PYTHON)" DESTDIR="$(DESTDIR)" COMPILE="$(COMPILE)" ENCRYPTED="$(ENCRYPTED)" deploy/install.sh install

release: $(VENV)/run ## as root: commit the version, build it in two fresh clones, compare, tag, and note the hashes in RELEASES (PACKAGES=no: the wheel alone)
	@PYTHON="$(CURDIR)/$(BIN)/python" PACKAGES="$(PACKAGES)" deploy/release.sh

rollback: ## as root: go back to the release before
	@DESTDIR="$(DESTDIR)" deploy/install.sh rollback

uninstall: ## as root: remove it, but for config and state
	@DESTDIR="$(DESTDIR)" deploy/install.sh uninstall

lock: ## pin the requirements anew, with hashes
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	for set in run dev import build docs mutants lock; do \
	  build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --emit-build-options --no-emit-find-links --no-emit-index-url --custom-compile-command "make lock" \
	    requirements/$$set.in --output-file requirements/$$set.txt; done

clean: ## remove what was set up and cached
	cd docs/reference && rm -f alerts.md deviations.md logs.md metrics.md
	rm -rf $(VENV) $(COMPILED) build/compiled build/docs build/lock build/mutants build/site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON): install Python 3.11 or newer (Debian: apt install python3 python3-venv)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; try make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "No venv for $(PYTHON) (Debian: apt install python3-venv)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(VENV) is not set up, for the reason above"; exit 1; }

$(VENV)/run: requirements/run.txt requirements/import.txt pyproject.toml darban_import/pyproject.toml setup.py | $(VENV)/bin/python
	@echo "Setting up Darban in $(VENV), once; this takes a minute or two ..."
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/import.txt
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . --editable ./darban_import
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/run
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Compiled, from a copy of the source: nothing is ever built beside the files that people edit.
build/compiled/built: FORCE
	@DARBAN_COMPILE=1 PYTHON=$(PYTHON) deploy/wheel.sh build/compiled

FORCE:

$(COMPILED)/run: requirements/run.txt build/compiled/built
	@[ -e $(COMPILED)/bin/python ] || $(PYTHON) -m venv $(COMPILED)
	@$(COMPILED)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(COMPILED)/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall build/compiled/wheel/*.whl
	@touch $@

# The tests and what else they import come from here, the package from the wheel, which is found
# first. PYTHONSAFEPATH keeps the current directory, and its source of the package, out.
$(COMPILED)/dev: requirements/dev.txt $(COMPILED)/run
	@$(COMPILED)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(COMPILED)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable ./darban_import
	@echo "$(CURDIR)" >"$$($(COMPILED)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/source.pth"
	@touch $@
