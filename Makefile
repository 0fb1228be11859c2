# Everything a checkout needs: `make help`. Needs make, Python 3.11 or newer and Node 20 or newer.
# Set-up happens once: what it installs is its own stamp, so a second run does nothing and needs no network.

PYTHON ?= python3
PORT ?= 8000
SECONDS ?= 1800
BACKEND ?= wasm
PIXELS ?= auto
# Tests run side by side in so many processes, each with its own Chromium.
WORKERS ?= 2

VENV := .venv
PY := $(VENV)/bin/python
BIN := wasm_bridge/node_modules/.bin
# What npm itself writes last, once everything is in its place.
NODE_MODULES := wasm_bridge/node_modules/.package-lock.json
PIP_INSTALL := $(PY) -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List these commands
	@echo "make demo builds the page and serves it on localhost; make test runs every check. All commands:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: site ## Build the page, serve it on localhost and print its address (PORT=8000, or the next free one)
	@$(PY) site/serve_site.py --port "$(PORT)"

.PHONY: site
site: $(VENV)/.site $(NODE_MODULES) ## Build the page into site/dist, for any static web server
	@$(PY) site/build_site.py

.PHONY: docs
docs: setup ## Build the page together with its documentation, in site/dist/docs
	@$(PY) site/build_site.py --docs

# Files are handed out whole and in order: those without a browser first, since Playwright keeps an event loop.
PYTEST_OPTIONS := --numprocesses "$(WORKERS)" --dist loadfile --no-loadscope-reorder
PYTEST := $(PY) -m pytest $(PYTEST_OPTIONS)

# Two at a time: each of them works on one core.
.PHONY: checks
checks:
	@$(MAKE) --no-print-directory --jobs=2 setup
	@$(MAKE) --no-print-directory --jobs=2 chromium lint test-javascript

.PHONY: test
test: checks ## Run every check and test; installs what they need, a Chromium too
	$(PYTEST) --durations=25

.PHONY: coverage
coverage: checks ## The same, and measure how much of the Python the tests run
	@rm -rf tests/output/coverage && mkdir -p tests/output/coverage
	$(PY) -m coverage run -m pytest $(PYTEST_OPTIONS) --durations=25
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report

.PHONY: test-unit
test-unit: setup test-javascript ## Run the tests that need no browser
	$(PYTEST) -m "not browser"

.PHONY: test-javascript
test-javascript: setup ## Run the JavaScript tests that need no browser, in plain Node
	@node --test --experimental-test-coverage --test-reporter ./tests/javascript/reporter.mjs \
	  --import ./tests/javascript/browser_globals.mjs tests/javascript/*.test.mjs

.PHONY: test-browser
test-browser: setup chromium ## Run the tests in a real Chromium
	$(PYTEST) -m browser

.PHONY: bench
bench: setup chromium ## Measure what a frame costs: Python in the page by stage, and the model natively
	@$(PY) tests/bench/live_bench.py
	@$(PY) tests/bench/reference.py
	@$(PY) tests/bench/crossover.py
	@$(PY) tests/bench/native.py
	@PYTHONPATH=py $(PY) -m autogaze_train evaluate --model site/model --video tests/data/example_input.webm

.PHONY: bench-start
bench-start: setup chromium ## Measure the time from the page's address to the first masked frame (AGAINST=FOLDER: and another built page's)
	@$(PY) tests/bench/start_bench.py $(if $(AGAINST),--against "$(AGAINST)")

.PHONY: bench-batch
bench-batch: setup ## Measure batches: workers, Ray nodes, overhead, 4K in tiles (ARGS="--large-frames 1000" for the whole)
	@$(PY) tests/bench/batch_bench.py $(ARGS)

.PHONY: perf-matrix
perf-matrix: setup chromium ## Measure the page: sources x modes x masks (ARGS="--model FOLDER" for another checkpoint)
	@$(PY) tests/bench/perf_matrix.py $(ARGS)

.PHONY: perf-live
perf-live: setup chromium ## Measure the page up to 4K: a camera with grain on both planes, sweeps of tiles, the model (ARGS="--only 1280x720")
	@$(PY) tests/bench/perf_live.py $(ARGS)

.PHONY: bench-browser
bench-browser: setup chromium ## Measure what a frame costs with AutoGaze in Chromium, by backend, budget and stage
	@$(PY) tests/bench/browser_bench.py $(ARGS)

# Where training keeps what it fetched and what it made.
TRAIN_CACHE := .cache/train
TRAIN := PYTHONPATH=py $(PY) -m autogaze_train

$(TRAIN_CACHE)/corpus: py/autogaze_train/sources.json py/autogaze_train/corpus.py
	@$(TRAIN) corpus --corpus $@ --downloads $(TRAIN_CACHE)/downloads
	@touch $@

.PHONY: train
train: setup $(TRAIN_CACHE)/corpus ## Train the built-in checkpoint anew (one GPU, half an hour) into .cache/train/model
	@$(TRAIN) train --corpus $(TRAIN_CACHE)/corpus --out $(TRAIN_CACHE)/model
	@$(TRAIN) choose-requirement --corpus $(TRAIN_CACHE)/corpus --model $(TRAIN_CACHE)/model

.PHONY: choose-requirement
choose-requirement: setup $(TRAIN_CACHE)/corpus ## Choose the built-in checkpoint's default requirement on validation clips
	@$(TRAIN) choose-requirement --corpus $(TRAIN_CACHE)/corpus --model site/model --out docs/checkpoint

.PHONY: evaluate
evaluate: setup $(TRAIN_CACHE)/corpus ## Measure the built-in checkpoint on held-out clips and the samples; renew tables and plot (ARGS="--complete JSON" adds what a record lacks)
	@$(TRAIN) evaluate --corpus $(TRAIN_CACHE)/corpus --model site/model \
	  --video tests/data/example_input.webm --out docs/checkpoint $(ARGS)
	@$(TRAIN) calibrate --corpus $(TRAIN_CACHE)/corpus --model site/model \
	  --video tests/data/example_input.webm --out docs/checkpoint
	@$(TRAIN) compare-samples --model site/model --out docs/checkpoint \
	  site/samples/*.webm tests/data/example_input.webm

.PHONY: train-encoder
train-encoder: setup $(TRAIN_CACHE)/corpus ## Train the built-in vision encoder anew (one GPU, 20 minutes) into .cache/train/encoder
	@$(TRAIN) train-encoder --corpus $(TRAIN_CACHE)/corpus --model site/model --out $(TRAIN_CACHE)/encoder

.PHONY: evaluate-encoder
evaluate-encoder: setup $(TRAIN_CACHE)/corpus ## Measure the built-in vision encoder on held-out clips and renew its table and plot
	@$(TRAIN) evaluate-encoder --corpus $(TRAIN_CACHE)/corpus --encoder site/encoder --model site/model \
	  --video tests/data/example_input.webm --clips 1 --frames 8 --out docs/encoder_checkpoint

.PHONY: soak
soak: setup chromium ## Stream for half an hour through every fault, and watch the memory (SECONDS=1800, BACKEND=wasm, PIXELS=auto)
	@PYTHONPATH=site:tests/parity $(PY) tests/browser/soak.py --seconds "$(SECONDS)" --backend "$(BACKEND)" --pixels "$(PIXELS)"

.PHONY: fuzz
fuzz: setup ## Feed damaged input to every parser and public function (SECONDS=1800)
	@PYTHONPATH=py:tests/fuzz $(PY) tests/fuzz/fuzz.py --seconds "$(SECONDS)"

.PHONY: pictures
pictures: setup chromium ## Take the README's pictures again, and draw those of docs/
	@$(PY) docs/draw_architecture.py
	@$(PY) docs/draw_masks.py
	@$(PY) docs/draw_gaze.py
	@PYTHONPATH=site:tests/parity $(PY) tests/browser/take_pictures.py

.PHONY: lint
lint: lint-python lint-javascript ## Check style and types of the Python and the JavaScript

.PHONY: lint-python
lint-python: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

.PHONY: lint-javascript
lint-javascript: setup
	$(BIN)/biome ci
	$(BIN)/tsc --project wasm_bridge/tsconfig.page.json
	$(BIN)/tsc --project wasm_bridge/tsconfig.worker.json
	$(BIN)/tsc --project wasm_bridge/tsconfig.tests.json
	$(BIN)/tsc --project wasm_bridge/tsconfig.tests_page.json

.PHONY: verify-types
verify-types: setup ## Check that users of the Python package see the type of every public name (downloads pyright)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npx --yes pyright@1.1.414 --verifytypes autogaze_web --ignoreexternal

.PHONY: format
format: setup ## Lay out the Python and the JavaScript as lint wants them
	$(VENV)/bin/ruff check --fix-only
	$(VENV)/bin/ruff format
	$(BIN)/biome check --write

.PHONY: setup
setup: $(VENV)/.dev $(NODE_MODULES) ## Install everything for work on the project into .venv and node_modules

.PHONY: chromium
chromium: $(VENV)/.dev
	@$(PY) tests/browser/chromium.py --install

.PHONY: pin
pin: setup ## Rewrite site/runtime.lock.json after a change of version in wasm_bridge/package.json
	@$(PY) site/pin_runtime.py

.PHONY: clean
clean: ## Remove everything that these commands made
	rm -rf $(VENV) .cache site/dist site/.dist-* wasm_bridge/node_modules tests/output
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Python 3.11 or newer is needed, but $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo missing): install one and name it with PYTHON=python3.11"; \
	  exit 1; }
	@echo "Setting up Python in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)"; \
	  exit 1; }
	@$(PIP_INSTALL) pip==26.3 # older ones do not know dependency groups
	@touch $@

$(VENV)/.site: $(VENV)/.pip pyproject.toml
	@$(PIP_INSTALL) --group site
	@touch $@

$(VENV)/.dev: $(VENV)/.site pyproject.toml
	@echo "Installing the Python packages for development ..."
	@$(PIP_INSTALL) --group dev
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(NODE_MODULES): wasm_bridge/package.json wasm_bridge/package-lock.json wasm_bridge/.npmrc
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || { \
	  echo "error: Node 20 or newer with npm is needed, but node is $$(node --version 2>/dev/null || echo missing):" \
	    "install it and run the same command again"; exit 1; }
	@echo "Installing the JavaScript packages ..."
	@cd wasm_bridge && npm ci --no-progress --loglevel=error
	@touch $@
