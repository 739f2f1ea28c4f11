# `make help` lists the targets. Needs Python >= 3.11, make and git; everything else is fetched by `make setup`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help setup demo test unit up down token lint format types arch migrate openapi asyncapi dlq rebuild drift nightly lock bench-slots bench-booking bench-notifications simulate

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Rapport needs Python 3.11 or newer; set PYTHON=<path of one>." if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once, about half a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(STAMP) ## make the virtual environment from the locked requirements

demo: $(STAMP) ## play the whole loop on real Kafka and PostgreSQL; the product
	@$(PY) -m deploy.local.demo

up: $(STAMP) ## start the whole system on this machine and leave it running
	@$(PY) -m deploy.local up

down: $(STAMP) ## stop everything that `make up` started
	@$(PY) -m deploy.local down

token: $(STAMP) ## print a bearer token: make token role=staff [practice=<id>] [client=<id>] [provider=<id>]
	@$(PY) -m deploy.local token --role $(or $(role),staff) $(if $(practice),--practice $(practice)) $(if $(client),--client $(client)) $(if $(provider),--provider $(provider))

migrate: $(STAMP) ## bring the databases and topics of a running stack up to date
	@$(PY) -m deploy.local migrate

dlq: $(STAMP) ## dead letters: make dlq [do=list|show|replay] [topic=<dead-letter topic>] [id=<event id>]
	@$(PY) -m deploy.local dlq $(or $(do),list) $(topic) $(id)

rebuild: $(STAMP) ## make availability's copy of booked visits anew from the topics: make rebuild [practice=<id>]
	@$(PY) -m deploy.local rebuild $(practice)

drift: $(STAMP) ## compare availability's copy of booked visits with booking: make drift [practice=<id>]
	@$(PY) -m deploy.local drift $(practice)

test: $(STAMP) ## unit, integration and end-to-end tests against real servers
	@$(PY) -m pytest $(args)

nightly: $(STAMP) ## thousands of examples of every property; about two hours
	@$(PY) -m pytest -m hypothesis --hypothesis-profile=nightly --timeout=0 $(args)

unit: $(STAMP) ## only the tests that need no server
	@$(PY) -m pytest tests -m "not servers" $(args)

bench-slots: $(STAMP) ## measure slot search; needs wrk
	@$(PY) -m tests.bench.slots

bench-booking: $(STAMP) ## measure booking beside what others would write; needs pgbench: make bench-booking [rows=5000000]
	@$(PY) -m tests.bench.booking $(if $(rows),--rows $(rows))

simulate: processes ?= $(shell nproc)
simulate: $(STAMP) ## let a year pass for clients who do not exist: make simulate [clients=1000] [seed=1] [processes=2]
	@seq $(processes) | xargs -P $(processes) -I% sh -c \
		'RAPPORT_CLIENTS=$$(($(or $(clients),1000) / $(processes))) RAPPORT_SEED=$$(($(or $(seed),1) * 1000 + %)) \
		$(VENV)/bin/pytest -q tests/notifications/simulation/test_a_year.py'

bench-notifications: $(STAMP) ## measure planning and sending: make bench-notifications [rows=10000000] [due=100000]
	@$(PY) -m tests.bench.notifications $(if $(rows),--rows $(rows)) $(if $(due),--due $(due))

lint: $(STAMP) ## ruff: style, likely bugs, format
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

format: $(STAMP) ## let ruff mend what it can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

types: $(STAMP) ## mypy, strict
	@$(VENV)/bin/mypy

arch: $(STAMP) ## import-linter: the four services independent, the layers in order
	@$(VENV)/bin/lint-imports --config .importlinter

openapi: $(STAMP) ## write docs/openapi/<service>.json
	@$(PY) -m tests.support.openapi docs/openapi

asyncapi: $(STAMP) ## write docs/events/asyncapi.json from shared/contracts
	@$(PY) -m shared.contracts.asyncapi docs/events/asyncapi.json

lock: ## resolve the requirements anew (needs uv)
	uv pip compile -q pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header --no-annotate -o requirements/runtime.txt
	uv pip compile -q pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 --no-header --no-annotate -o requirements/dev.txt
