# Set-up needs python3 (3.11 or 3.12) with venv, nothing else. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long chaos test-s3 test-postgres check format bench bench-loader docs infra systems lock clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/ready ## install everything at the locked versions into .venv

# uv, not pip: pip takes a CPU-only torch on some machines, beside which torchvision cannot be imported.
.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch .venv/ready

demo: setup ## the whole life of a model, on photographs that come with the dependencies
	$(BIN)/rayfill demo

# Two processes: all that needs Ray in one of them, the rest in the other.
test: setup ## run every test but the long ones
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations 10

test-long: setup ## run what takes minutes: outages and killed drivers under a real Ray
	$(BIN)/python -m pytest -m long

chaos: setup ## break running trainings: workers, drivers, hosts and links; says what each cost
	$(BIN)/python -m pytest -m long tests/chaos tests/integration/test_store_away_on_ray.py

test-s3: setup ## run what is stored in S3 against Ceph's RGW, which it installs where it can and starts
	infra/s3-store.sh sh -c '$(BIN)/python -m pytest tests/storage tests/data tests/registry/test_registry_on_s3.py \
	  --s3-endpoint "$$AWS_ENDPOINT_URL"'

test-postgres: setup ## run what is stored in PostgreSQL against a server of its own, which it installs where it can
	infra/postgres.sh $(BIN)/python -m pytest tests/tuning/study/test_study_in_postgres.py

check: setup ## ruff, format and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let ruff put things in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## speed of the step, loader, sample order, ingest, and of starting a command and a server, beside references
	$(BIN)/python -m benchmarks.train_step
	$(BIN)/python -m benchmarks.loader
	$(BIN)/python -m benchmarks.sampler
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.cpu_step --rounds 1
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.serve_start

# The other loaders stay out of the lock and of .venv, compiled because importing is timed. STORE= takes moto where Ceph cannot be
# installed.
STORE ?= infra/s3-store.sh
bench-loader: .venv-peers/ready ## the loader beside five others, local and S3, for docs/performance.md; DATA=DATASET
	$(STORE) .venv-peers/bin/python -m benchmarks.loader --peers --s3 $(if $(DATA),--data $(DATA)) --json --write docs/performance.md

.venv-peers/ready: .venv/ready benchmarks/loader/peers.txt
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-peers/bin/python -r requirements.lock -r benchmarks/loader/peers.txt
	$(BIN)/uv pip install --quiet --python .venv-peers/bin/python --no-deps --editable .
	touch .venv-peers/ready

# The site's tools stay out of the lock and of .venv. mermaid draws the diagrams; without npm they are shown as text.
MERMAID = docs/javascripts/mermaid.min.js
docs: .venv-docs/ready ## build the documentation with its API reference in build/site; broken links fail
	@test -f $(MERMAID) || if command -v npm >/dev/null; then \
	  mkdir -p build docs/javascripts && npm pack --silent --pack-destination build mermaid@11 >/dev/null \
	  && tar -xzOf build/mermaid-11.*.tgz package/dist/mermaid.min.js > $(MERMAID) || rm -f $(MERMAID); fi
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --quiet
	$(BIN)/python docs/check_site.py build/site

.venv-docs/ready: .venv/ready docs/requirements.txt
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	$(BIN)/uv pip install --quiet --python .venv-docs/bin/python -r docs/requirements.txt
	touch .venv-docs/ready

infra: setup ## fill infra/values.yaml into the files of infra/
	$(BIN)/python infra/fill.py

systems: setup ## measure every recipe and rewrite the table in docs/systems/README.md; long on a CPU
	$(BIN)/python -m benchmarks.systems --write docs/systems/README.md

lock: setup ## resolve requirements.lock again from pyproject.toml; it names no index host
	$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header --upgrade -o requirements.lock
	$(BIN)/uv pip compile benchmarks/loader/peers.in -c requirements.lock --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header --upgrade -o benchmarks/loader/peers.txt

clean: ## remove the virtual environment and caches; data under .rayfill stays
	rm -rf .venv .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis
