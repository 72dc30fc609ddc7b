# Headroom in two commands: `make full-run` and `make test`. `make help` lists the rest.
# Needs Python 3.11 and make. Everything else is installed into .venv from requirements.lock, checked by hash.

PYTHON ?= python3.11
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv

# pip may have been told of a mirror, a certificate store or a slow line; uv hears of them here.
SETTINGS = UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true UV_HTTP_TIMEOUT=$${UV_HTTP_TIMEOUT:-300} \
	$(if $(SSL_CERT_FILE),,$(if $(PIP_CERT),SSL_CERT_FILE="$(PIP_CERT)")) \
	UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(BIN)/pip config get :env:.index-url 2>/dev/null || \
		$(BIN)/pip config get global.index-url 2>/dev/null || true)}"

.DEFAULT_GOAL := help
.PHONY: help install full-run test check format doctor canaries lock clean
.NOTPARALLEL:

help: ## list what make can do
	@echo "Headroom: make <target> [PYTHON=path/to/python3.11] [ARGS='…']"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## create .venv from the lock (only when the lock has changed)

full-run: $(STAMP) ## run the whole product; options go in ARGS, e.g. ARGS='--heads ict --recipe khan2021'
	$(BIN)/luigi --module pipeline FullRun $(ARGS)

test: check ## every check, then every test; a selection goes in ARGS, e.g. ARGS='-k config'
ifneq ($(strip $(ARGS)),)
	$(BIN)/pytest $(ARGS)
else
	@# The farm's tests wait for most of their time, so they run beside the others; their output comes last.
	@log=$$(mktemp); $(BIN)/pytest tests/farm >$$log 2>&1 & farm=$$!; trap 'kill $$farm; rm -f $$log' INT TERM; \
	$(BIN)/pytest --ignore=tests/farm; others=$$?; wait $$farm; farm=$$?; cat $$log; rm -f $$log; \
	exit $$((others ? others : farm))
endif

check: $(STAMP) ## lint, format, types, import contracts, file length
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q -o addopts=--import-mode=importlib tests/architecture/test_file_length.py

format: $(STAMP) ## rewrite the code the way `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

doctor: $(STAMP) ## say what this machine can do, and how to close each gap
	$(BIN)/python -m pipeline doctor

canaries: $(STAMP) ## render the canary frames anew, after an epoch was bumped on purpose
	$(BIN)/python tests/checking/canaries.py

lock: $(STAMP) ## resolve the newest allowed versions into requirements.lock and requirements-bootstrap.lock
	@$(SETTINGS) $(UV) pip compile pyproject.toml --extra dev --upgrade --python-version 3.11 \
		--python-platform x86_64-manylinux_2_28 --generate-hashes --no-header --no-annotate --quiet \
		--output-file requirements.lock
	@echo uv | $(SETTINGS) $(UV) pip compile - --upgrade --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements-bootstrap.lock

clean: ## remove .venv and every cache; the store is kept
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './store/*' -prune -exec rm -rf {} +

# The stamp is written last: an interrupted set-up starts again, a finished one is left alone until the lock changes.
$(STAMP): requirements.lock requirements-bootstrap.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "error: '$(PYTHON)' was not found. Headroom needs Python 3.11" \
		"(bpy is built for no other); install it, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "error: Headroom needs" \
		"Python 3.11 (bpy is built for no other), but '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1 | head -n 1);" \
		"name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "error: '$(PYTHON)' cannot make virtual" \
		"environments; on Debian and Ubuntu: apt-get install python3.11-venv" >&2; exit 1; }
	rm -f $(STAMP)
	test -x $(BIN)/python || "$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		--requirement requirements-bootstrap.lock
	@echo "installing requirements.lock into $(VENV) …"
	@$(SETTINGS) $(UV) pip sync --quiet --python $(BIN)/python --require-hashes --only-binary :all: requirements.lock
	@$(SETTINGS) $(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
	@echo "Headroom is installed. For commands of your own: . $(BIN)/activate"
