# ReboundWatch: every command a developer or CI needs. `make help` lists them.
# ARGS is passed on by the commands that take arguments: make soak ARGS=3 keeps on for three minutes.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
ARGS :=
UV := build/uv/bin/uv
COMPILE := UV_SYSTEM_CERTS=1 $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.DEFAULT_GOAL := help

.PHONY: help
help: ## say what each command does
	@awk '/^##@ / {print "\n" substr($$0, 5)} \
	  match($$0, /^[a-z0-9-]+:/) && /## / {printf "  make %-15s %s\n", substr($$0, 1, RLENGTH - 1), substr($$0, index($$0, "## ") + 3)}' \
	  $(firstword $(MAKEFILE_LIST))

##@ Begin

.PHONY: venv
venv: $(VENV)/.ready ## make .venv from the hash-locked requirements

$(VENV)/.ready: requirements/build.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	  || { echo "ReboundWatch needs Python 3.11 or 3.12; set PYTHON=/path/to/python3.11"; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null \
	  || { echo "A C compiler is missing (durable_rules is built from source). Debian: apt-get install build-essential"; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' \
	  || { echo "The Python headers are missing. Debian: apt-get install python3-dev"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: run
run: venv ## serve on http://127.0.0.1:8080, for this machine only
	@REBOUNDWATCH_AUTH=off REBOUNDWATCH_ALLOW_AS_OF=1 REBOUNDWATCH_LOG_FORMAT=text $(BIN)/python -m service serve

.PHONY: test
test: venv ## make the environment and pass the tests
	$(BIN)/python -m pytest $(ARGS)

##@ Check

.PHONY: lint
lint: venv ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: venv ## strict types
	$(BIN)/mypy rules service tests benchmarks tools

.PHONY: contracts
contracts: venv ## who may import whom
	PYTHONPATH=. $(BIN)/lint-imports

.PHONY: check
check: test lint types contracts ## test, lint, types and contracts; .ci/run does all that CI does

.PHONY: format
format: venv ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: current
current: venv $(UV) ## the catalogue and the lock files are what their sources say
	@rm -rf build/locked && cp -R requirements build/locked
	$(MAKE) --no-print-directory lock
	@diff -r build/locked requirements || { echo "requirements/ is not what pyproject.toml says: run make lock"; exit 1; }
	@rm -rf build/locked && touch $(VENV)/.ready
	$(BIN)/python -m service rules --format markdown | diff rules/CATALOGUE.md - \
	  || { echo "rules/CATALOGUE.md is not what the rules say: run make catalogue"; exit 1; }

.PHONY: fuzz
fuzz: venv ## 100,000 spoilt requests: no crash, no hang, no wrong status (ARGS="--calls 2000")
	$(BIN)/python -m tools.fuzz $(ARGS)

.PHONY: mutants
mutants: venv ## change the rules a little, one change at a time: does a test object to each? Writes docs/mutation.md
	$(BIN)/python -m tools.mutants --page $(ARGS)

.PHONY: asan
asan: venv ## the engine's tests under the address sanitizer
	tools/asan.sh

##@ Get what some tests need, into build/ (they are skipped without it)

.PHONY: deploy-tools
deploy-tools: ## Prometheus and the schemas of Kubernetes, for the tests of deploy/
	tools/promtool.sh
	tools/kubernetes.sh

.PHONY: hapi
hapi: ## a FHIR server (HAPI) and HL7's validator; needs Java 17 and Maven
	tools/hapi.sh

.PHONY: spark
spark: ## Spark, for screening on a cluster; needs Java 17
	tools/spark.sh

.PHONY: clients
clients: ## CDS clients that others wrote; needs Node.js and Python 3.11
	tools/clients.sh

##@ Measure, and fail beyond a limit

.PHONY: memory
memory: venv ## 50,000 evaluations must not grow the process
	$(BIN)/python -m benchmarks.engine_memory

.PHONY: stages
stages: venv ## where the time of an evaluation goes; the engine has a limit
	$(BIN)/python -m benchmarks.evaluation

.PHONY: hook-call
hook-call: venv ## the CPU of a hook call against a no-op that only parses it (ARGS="100 4": calls a turn, times the bars)
	$(BIN)/python -m benchmarks.hook_call $(ARGS)

.PHONY: authentication
authentication: venv ## the CPU of finding out who calls (ARGS="200 2": calls a turn, times the bar)
	$(BIN)/python -m benchmarks.authentication $(ARGS)

.PHONY: fetching
fetching: venv ## the time and CPU of fetching a record from a FHIR server
	$(BIN)/python -m benchmarks.fetching

.PHONY: load
load: venv ## calls a second, for few and many callers (ARGS=seconds a measurement)
	$(BIN)/python -m benchmarks.load $(ARGS)

.PHONY: soak
soak: venv ## half an hour at 70 % of that: errors, memory, slowest calls (ARGS=minutes)
	$(BIN)/python -m benchmarks.soak $(ARGS)

.PHONY: screening
screening: venv ## the CPU and memory of screening a population (ARGS=copies of 2,300 people)
	$(BIN)/python -m benchmarks.screening $(ARGS)

.PHONY: alert-burden
alert-burden: venv ## cards a person in a population, by group and urgency
	$(BIN)/python -m benchmarks.alert_burden

##@ Ship

.PHONY: image
image: ## build the image with buildah and try it
	tools/image.sh

.PHONY: compose
compose: venv image ## start compose.yaml on a Docker engine and use it: calls, a stopped database, backup, restore
	tools/compose.sh

.PHONY: sbom
sbom: ## the bill of materials, build/sbom.cdx.json
	tools/sbom.sh

.PHONY: audit
audit: ## known vulnerabilities of what runs; error 3 says that they could not be asked for
	tools/audit.sh

##@ Write anew

.PHONY: catalogue
catalogue: venv ## write rules/CATALOGUE.md anew
	$(BIN)/python -m service rules --format markdown > rules/CATALOGUE.md

.PHONY: fixtures
fixtures: venv ## write fhir_fixtures anew from the cases
	$(BIN)/python -m tools.make_fixtures

.PHONY: golden
golden: venv ## accept the assessments of the fixtures as they are now
	$(BIN)/python -m tools.make_fixtures --golden

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/pip install --quiet --disable-pip-version-check uv

.PHONY: lock
lock: $(UV) ## resolve the requirements, with hashes; versions stay unless LOCK_FLAGS=--upgrade
	$(COMPILE) $(LOCK_FLAGS) --extra dev pyproject.toml -o requirements/dev.txt
	$(COMPILE) $(LOCK_FLAGS) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) $(LOCK_FLAGS) --extra spark -c requirements/runtime.txt pyproject.toml -o requirements/spark.txt
	echo setuptools | $(COMPILE) $(LOCK_FLAGS) -c requirements/dev.txt --no-annotate - -o requirements/build.txt

.PHONY: clean
clean: ## remove what was built
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
