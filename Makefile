# The verbs of the project; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
DAYS := 2026-11-15..2026-11-21
BENCHMARKS := scan cpu_parse cpu_archive correlate ranking uptime changes
DEBIAN := sysstat prometheus prometheus-node-exporter openssl

.PHONY: help setup demo test debian check nightly dagster docs bench lock clean

help: ## List the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready ## Install into .venv what requirements.lock names

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	@# The lock is complete: nothing is left to resolve, and older pips stumble over extras.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Run the nightly job on the bundled fleet and show the ranked hosts
	@mkdir -p demo && cp -R data/samples/fleet/. demo/
	$(BIN)/resetradar run --config demo/resetradar.toml --days $(DAYS)

test: setup debian ## Run the tests
	$(BIN)/pytest

debian: ## Install the Debian tools that the tests compare with, as root; else say how
	@command -v sadf prometheus prometheus-node-exporter openssl >/dev/null && test -x /usr/lib/sysstat/sadc \
	|| if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
			--no-install-recommends $(DEBIAN) >/dev/null; \
	else echo "the tests need: sudo apt-get install $(DEBIAN)"; fi

check: setup ## Lint, types, contracts of the data files, freshness of generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/resetradar check

nightly: setup ## Run one day of the fleet in resetradar.toml: make nightly DAY=2026-11-21
	@test -n "$(DAY)" || { echo "make nightly: expected DAY=YYYY-MM-DD"; exit 2; }
	$(BIN)/resetradar run --day $(DAY)

dagster: setup ## Show the asset graph in a browser, at http://127.0.0.1:3000
	@mkdir -p .dagster && cp dagster.yaml .dagster/
	DAGSTER_HOME=$(CURDIR)/.dagster DAGSTER_DISABLE_TELEMETRY=1 $(BIN)/dg dev

docs: setup ## Write the generated pages anew
	$(BIN)/python -m resetradar.docs

bench: setup ## Run all measurements against other tools; takes long
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

lock: ## Resolve requirements.lock anew; needs uv
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --quiet --output-file requirements.lock

clean: ## Remove what the verbs made, the environment included
	rm -rf .venv demo .dagster .mypy_cache .ruff_cache .pytest_cache .hypothesis
