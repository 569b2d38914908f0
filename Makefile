# Each target does all the set-up that it needs, in .venv. `make help` lists them.

PYTHON ?= python3
VIDEO ?=
# The sample clip is made where no video is named. A name may hold spaces, so it is never a prerequisite.
SAMPLE := out/sample.mp4
CLIP = "$(if $(VIDEO),$(VIDEO),$(SAMPLE))"
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make requirements"

# Benchmarks: how often each part is measured; the folder that gets the records, none where it is empty; and more
# videos on which detecting on few frames is compared with detecting on each.
RUNS ?= 3
RECORDS ?=
MORE ?=
SECONDS ?= 60
record = $(if $(RECORDS),--record $(RECORDS)/$(1).json)

.DEFAULT_GOAL := help
.PHONY: help demo install test test-keras test-triton test-browser test-faults test-base test-all lint format check-cost
.PHONY: bench bench-table bench-serving bench-peers bench-growth bench-start bench-all record-faults docs fuzz requirements audit sbom clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.pages $(if $(VIDEO),,$(SAMPLE)) ## Tell the expressions in a clip, or in your own: make demo VIDEO=path
	$(BIN)/fer-server --prepare
	$(BIN)/fer-client $(CLIP) --out out --annotate --report

test: $(VENV)/.dev ## Run the default tests: no TensorFlow, no server, no shared files
	$(BIN)/python -m pytest

test-keras: $(VENV)/.all ## Run the tests that need TensorFlow and Keras
	$(BIN)/python -m pytest -m "keras and not triton"

test-triton: $(VENV)/.all ## Run the tests that start the embedded Triton server
	$(BIN)/fer-server --prepare
	$(BIN)/python -m pytest -m "triton and not browser"

test-browser: $(VENV)/.all ## Run the tests in a real browser, Debian's chromium
	$(BIN)/fer-server --prepare
	$(BIN)/python -m pytest -m browser

test-faults: $(VENV)/.all ## Run the tests that kill, cut off and fill up what a run needs
	$(BIN)/fer-server --prepare
	$(BIN)/python -m pytest -m faults

test-base: .venv-base/.ready ## Install the thin client alone and run its tests with it
	.venv-base/bin/python -m pytest tests/client

test-all: test lint test-base test-keras test-triton test-browser test-faults ## Run every tier and the linters

install: $(VENV)/.all ## Install everything into .venv, TensorFlow for fer-train and fer-export included

lint: $(VENV)/.dev ## Check style, import layers and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo --cache-dir .cache/imports
	$(BIN)/mypy

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

check-cost: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Fail where the client costs too much beside what bounds it
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks check $(CLIP)

bench: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Measure speed, memory and agreement beside what bounds them, on VIDEO
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks client $(CLIP) $(MORE) --runs $(RUNS) \
		$(if $(RECORDS),--compare 2 3 4 5 8) $(call record,client)

bench-table: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Measure the original's latency table on clips like its own
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks original $(CLIP) --runs $(RUNS) $(call record,original)

bench-serving: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Measure the server with NVIDIA's perf_analyzer; QUICK=1 for a minute
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks serving $(CLIP) $(if $(QUICK),--quick) $(call record,serving)

bench-peers: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Measure the `fer` package side by side; MTCNN=1 gets several GB
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks peers $(CLIP) --runs $(RUNS) $(if $(MTCNN),--mtcnn) $(call record,peers)

bench-growth: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Measure how the cost grows
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks growth $(CLIP) $(if $(QUICK),--quick) --runs $(RUNS) $(call record,growth)

bench-start: $(VENV)/.client $(if $(VIDEO),,$(SAMPLE)) ## Measure the time from the command to the first row
	$(BIN)/fer-server --prepare
	$(BIN)/python -m benchmarks start $(CLIP) $(call record,start)

bench-all: ## Measure everything and write the figures into the docs
	$(MAKE) bench bench-table bench-serving bench-peers bench-growth bench-start RECORDS=benchmarks/results
	$(MAKE) docs

docs: $(VENV)/.dev ## Write the figures of training/results and benchmarks/results into the docs
	$(BIN)/fer-train table training/results docs/training.md
	$(BIN)/fer-train card training/results/se_resnet.json docs/model-card.md
	$(BIN)/fer-train card training/results/valence_arousal/se_resnet.json docs/model-card.md
	$(BIN)/fer-train headline training/results/se_resnet.json training/results/se_resnet_labels.json \
		training/results/mini_xception.json training/results/peers/fer.json README.md
	$(BIN)/python -m benchmarks.pages

requirements: $(VENV)/.dev ## Pin all dependencies anew, with hashes
	$(COMPILE) pyproject.toml requirements/build.in -o requirements/client.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra training --extra export --extra ray --extra dev -o requirements/all.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra dev -c requirements/all.txt -o requirements/dev.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra report --extra live -c requirements/all.txt \
		-o requirements/pages.txt
	$(COMPILE) requirements/pictures.in --no-deps -o requirements/pictures.txt
	$(COMPILE) requirements/pytest.in -o requirements/pytest.txt
	$(COMPILE) requirements/audit.in -o requirements/audit.txt
	$(COMPILE) requirements/fuzz.in -o requirements/fuzz.txt
	$(COMPILE) --no-deps benchmarks/environments/perf_analyzer.in -o benchmarks/environments/perf_analyzer.txt

record-faults: $(VENV)/.all ## Write the record of faults and hostile clients that docs/robustness.md shows
	$(BIN)/fer-server --prepare
	$(BIN)/python -m pytest -m "not keras and not browser" tests/faults tests/server tests/client/test_embedded.py \
		tests/client/media/test_images.py tests/client/media/test_limits.py tests/client/media/test_wholeness.py \
		--record-faults benchmarks/results/robustness.json

fuzz: $(VENV)/.fuzz ## Let Atheris damage media files, guided by the lines that they reach, for SECONDS (60)
	$(BIN)/python -m benchmarks.fuzz_media --guided --seconds $(SECONDS)

audit: .cache/audit/.ready ## Look for known holes in the pinned dependencies
	for set in requirements/all requirements/client server/fer_server/requirements; do \
		.cache/audit/bin/pip-audit --strict --disable-pip --require-hashes -r $$set.txt || exit 1; \
	done

sbom: .cache/audit/.ready ## Write bills of materials of client and server (CycloneDX) into out/
	mkdir -p out
	.cache/audit/bin/cyclonedx-py requirements requirements/client.txt -o out/client.cdx.json
	.cache/audit/bin/cyclonedx-py requirements server/fer_server/requirements.txt -o out/server.cdx.json

clean: ## Remove everything that was generated, except caches in your home folder
	rm -rf .venv .venv-base .cache out build dist .mypy_cache .pytest_cache .ruff_cache

# A stamp says that its requirements are installed; the larger sets hold the smaller ones.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Expected Python 3.11, 3.12 or 3.13 as '$(PYTHON)'. Name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.client: requirements/client.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip $(PIP_INSTALL) -r $<
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.pages: requirements/pages.txt $(VENV)/.client
	$(BIN)/pip $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.pages
	$(BIN)/pip $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)/.all: requirements/all.txt $(VENV)/.dev
	$(BIN)/pip $(PIP_INSTALL) -r $<
	@touch $@

.venv-base/.ready: requirements/client.txt requirements/pictures.txt requirements/pytest.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv-base
	.venv-base/bin/pip $(PIP_INSTALL) -r requirements/client.txt
	.venv-base/bin/pip $(PIP_INSTALL) -r requirements/pytest.txt
	.venv-base/bin/pip $(PIP_INSTALL) --no-deps -r requirements/pictures.txt
	.venv-base/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.cache/pictures/.ready: requirements/pictures.txt | $(VENV)/bin/python
	$(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
		-d $(@D) -r $<
	@touch $@

$(VENV)/.fuzz: requirements/fuzz.txt | $(VENV)/.client
	$(BIN)/pip $(PIP_INSTALL) --no-deps -r $<
	@touch $@

.cache/audit/.ready: requirements/audit.txt | $(VENV)/bin/python
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/pip $(PIP_INSTALL) -r $<
	@touch $@

$(SAMPLE): benchmarks/sample_clip.py $(VENV)/.client .cache/pictures/.ready
	$(BIN)/python -m benchmarks.sample_clip $@ --pictures .cache/pictures
