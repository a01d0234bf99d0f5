# From a clean checkout, each target sets up what it needs in .venv: pinned packages, checked against their hashes.
# Set-up is stamped there, so it runs again only when a lock file changes.

SHELL := bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo chat check test lint docs wheel sbom images digests bench paper soak fuzz compat lock lock-add clean

help:
	@echo "make demo    paint the sample photo in every style through a gRPC server: demo/contact_sheet.jpg"
	@echo "make chat    the chat bot's conversation in this terminal, painting in the same process"
	@echo "make check   lint and the fast tests: what to run before each commit"
	@echo "make test    run all tests, two at a time; COVERAGE=1 prints what they run through"
	@echo "make lint    ruff, format check, type check, arrows between rooms, workflows"
	@echo "make docs    the documentation site: dist/site"
	@echo "make wheel   the package: dist/*.whl"
	@echo "make sbom    what is in the package and in each image: dist/sbom"
	@echo "make images  build the container images with buildah, start and ask each; IMAGES=bot for one, PULL=1 for"
	@echo "             true base images, PIP_CONF=file where packages come from a mirror"
	@echo "make digests pin the images of others by their digests, as their registries tell them"
	@echo "make bench   measure time, memory and throughput: all that needs no style images and no rival"
	@echo "make soak    60 minutes: mixed load at half of capacity for 27 and, with new versions, at 70 % for 18; then"
	@echo "             restarts. Latencies, memory, lost calls; MINUTES=10 is the short form"
	@echo "make fuzz    100000 hostile inputs to all that reads bytes from outside, 7 minutes; SEED=n for others"
	@echo "make compat  load the shipped model in TensorFlow 2.20, the newest released server's version"
	@echo "make paper   the paper's figures, from a folder of style images: make paper STYLE_IMAGES=dir (hours; goes on)"
	@echo "make lock    pin the newest versions that pyproject.toml allows"
	@echo "make lock-add  pin what is new in pyproject.toml, and change nothing that is pinned"
	@echo "make clean   remove what was made, except .venv and models"

demo: $(VENV)/.serve
	$(BIN)/python -m tfstyle demo --output demo

chat: $(VENV)/.bot
	@$(BIN)/python -m bot.terminal

# Tests of one file run one after the other in one process, so that they share servers and loaded models.
pytest := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: lint
	$(pytest) -m "not slow and not integration"

# Those of the manifests by themselves: psycopg's TLS aborts a process that has TensorFlow, Arrow and Ray loaded. Those
# that take both cores, or say how long others wait, come last and alone, and so do those in the browser.
ALONE := tests/batch/test_job.py tests/bot/test_hostile_photos.py tests/studio/test_page.py tests/studio/test_export.py
test: $(VENV)/.dev
	$(pytest) --ignore tests/k8s $(ALONE:%=--ignore %) $(if $(COVERAGE),--cov)
	$(pytest) tests/k8s $(if $(COVERAGE),--cov --cov-append)
	$(BIN)/python -m pytest $(ALONE) $(if $(COVERAGE),--cov --cov-append)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet --no-progress .github

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: $(VENV)/.dev
	$(BIN)/uv build --quiet --offline --no-build-isolation --python $(BIN)/python --wheel --out-dir dist

sbom: $(VENV)/.dev
	$(BIN)/python -m tools.sbom

# Minutes an image, gigabytes of disk. PIP_CONF, where packages come from a mirror, stays out of the images.
images: $(VENV)/.dev
	$(BIN)/python -m tools.images $(IMAGES) $(if $(PULL),--pull) $(if $(PIP_CONF),--pip-conf $(PIP_CONF))

digests: $(VENV)/.base
	$(BIN)/python -m tools.digests

# What needs nothing else. The others want style images, hours or a rival's environment; each says in its first lines.
BENCHMARKS := $(addprefix serving.,client_import grpc_overhead grpc_load load server_memory) \
	$(addprefix stylize.,cost large_pictures) pictures.person_masks $(addprefix bot.,overhead load)

bench: $(VENV)/.dev
	@set -e; for name in $(BENCHMARKS); do echo "benchmarks.$$name"; $(BIN)/python -m benchmarks.$$name; done

# Goes on where it was stopped; its pictures are kept in runs/paper.
paper: $(VENV)/.dev
	@test -n "$(STYLE_IMAGES)" || { echo "Expected a folder of style images: make paper STYLE_IMAGES=dir"; exit 2; }
	$(BIN)/python -m benchmarks.optimization.paper --style-images "$(STYLE_IMAGES)"

soak: $(VENV)/.dev
	$(BIN)/python -m tests.serving.soak --minutes $(or $(MINUTES),60)

fuzz: $(VENV)/.dev
	TFSTYLE_FUZZ_SCALE=20 $(BIN)/python -m pytest -s --hypothesis-seed=$(or $(SEED),0) tests/fuzz tests/serving/server/test_hostile.py

compat: $(VENV)/.dev
	$(BIN)/python -m tests.compat

# uv does not read pip.conf: where packages come from a mirror named there, pip does the same work more slowly.
install = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r $(1) \
	|| $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $(1)

$(VENV)/.base: requirements/build.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; none was found. Set PYTHON=/path/to/python3."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
		|| { echo "Python 3.11 or 3.12 is needed, $(PYTHON) is another. Set PYTHON=/path/to/python3."; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.serve: requirements/serve.lock | $(VENV)/.base
	$(call install,$<)
	@touch $@

$(VENV)/.bot: requirements/bot.lock | $(VENV)/.base
	$(call install,$<)
	@touch $@

$(VENV)/.dev: requirements/dev.lock | $(VENV)/.base
	$(call install,$<)
	@touch $@

# One set of versions for all: dev first, and the others take theirs from it.
compile = $(BIN)/uv pip compile --quiet --no-config $(UPGRADE) --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

lock: UPGRADE := --upgrade
lock lock-add: $(VENV)/.base
	$(compile) requirements/build.in -o requirements/build.lock
	$(compile) pyproject.toml --extra dev -c requirements/build.lock -o requirements/dev.lock
	$(compile) pyproject.toml --extra client -c requirements/dev.lock -o requirements/client.lock
	$(compile) pyproject.toml --extra serve -c requirements/dev.lock -o requirements/serve.lock
	$(compile) pyproject.toml --extra bot --extra masks -c requirements/dev.lock -o requirements/bot.lock
	$(compile) pyproject.toml requirements/bulk.in --extra bulk --extra masks -c requirements/dev.lock -o requirements/bulk.lock
	$(compile) pyproject.toml --extra train -c requirements/dev.lock -o requirements/train.lock
	@! grep -nE '://' requirements/*.lock || { echo "A lock file holds an address."; exit 1; }

clean:
	rm -rf demo dist .coverage .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
