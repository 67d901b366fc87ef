.DEFAULT_GOAL := help
SHELL  := /bin/sh
PYTHON ?= python3
# Another interpreter has an environment of its own: make test PYTHON=python3.13 VENV=.venv313
VENV   ?= .venv$(if $(filter-out python3,$(notdir $(PYTHON))),$(subst .,,$(patsubst python%,%,$(notdir $(PYTHON)))))
PY     := $(VENV)/bin/python
UV     := 0.13.9

# Compiled once here instead of at every start; interpreters are not downloaded.
export UV_COMPILE_BYTECODE = 1
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS = never
# The machine's own certificates, as pip takes them: an operator's network has an authority of its own.
export UV_SYSTEM_CERTS = 1

help:  ## show what can be done
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.run  ## set up everything and serve on http://127.0.0.1:8000
	@exec $(PY) -m club run

test: $(VENV)/.dev  ## set up everything and run the tests
	$(PY) -m pytest -q -n 3 --dist worksteal -m "not (peer or browser or launcher)" $(ARGS)

test-all: $(VENV)/.all  ## the same with real peers, a browser and every example; skips nothing (Debian, as root)
	$(PY) -m tests.install_peers
	CLUB_TEST_ALL=1 $(PY) -m pytest -q -n 2 --dist worksteal $(ARGS)

check: $(VENV)/.dev  ## lint, types, floors, migrations, lock files
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	CLUB_SECRET_KEY=check DJANGO_SETTINGS_MODULE=club.settings $(PY) -m django makemigrations --check --dry-run
	@! grep -nE '^ *(-i|--index-url|--extra-index-url|--find-links)|https?://' requirements/*.txt \
		|| { echo 'a lock file names an index'; exit 1; }

bench: $(VENV)/.dev  ## measure; writes bench/results.json
	$(PY) -m bench

bench-large: $(VENV)/.dev  ## the ledger's figures at nine million subscribers (40 GB, an hour); writes bench/results_large.json
	CLUB_BENCH_SUBSCRIBERS=9000000 $(PY) -m bench --in-place

chaos: $(VENV)/.dev  ## kill database and workers 200 times; prove that nothing is lost or doubled
	$(PY) -m chaos

locale: $(VENV)/.run  ## compile the sentences that people edit in django.po
	$(PY) -m club locale

lock: $(VENV)/.uv  ## compile requirements/*.txt from the groups in pyproject.toml
	@for group in run dev all; do \
		$(VENV)/bin/uv pip compile -q --group $$group --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-header --no-annotate \
			-o requirements/$$group.txt || exit 1; \
	done

$(VENV)/.uv:
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check uv==$(UV)
	@touch $@

# Each set holds the smaller one: run < dev < all.
$(VENV)/.run $(VENV)/.dev $(VENV)/.all: $(VENV)/.%: requirements/%.txt $(VENV)/.uv
	$(VENV)/bin/uv pip install -q --python $(PY) --require-hashes -r $<
	@touch $@

.PHONY: help run test test-all check bench bench-large chaos locale lock
