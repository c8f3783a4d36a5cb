# Two commands do all the set-up that they need: `make study` and `make test`.
PYTHON ?= python3
STUDY ?= api-docs
PROFILE ?= default
VENV := .venv
BIN := $(VENV)/bin
USE ?= dev
STAMP := $(VENV)/.installed$(if $(filter-out dev,$(USE)),-$(USE))
comma := ,
USES := $(subst $(comma), ,$(USE))
given = $(filter command environment,$(firstword $(origin $(1))))
LIMITS = $(if $(call given,CORES),--cores $(CORES)) $(if $(call given,MEM_MB),--mem-mb $(MEM_MB)) $(if $(call given,GPUS),--gpus $(GPUS))
SETTINGS = $(if $(filter yes true 1,$(SKIP_FAILED)),skip_failed=true) $(CONFIG)
EFFORT = "$$STUDY" --profile "$(PROFILE)" $(LIMITS) $(if $(TARGET),--target $(TARGET)) $(if $(strip $(SETTINGS)),--config $(SETTINGS))
RESULTS = results/$(lastword $(notdir $(patsubst %/,%,$(STUDY))))$(if $(findstring offline_standins=true,$(CONFIG)),-standins)

export STUDY
.DEFAULT_GOAL := help
.PHONY: help install study plan fetch reproduce report test smoke matrix bench check format lock docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  STUDY=name or folder (api-docs)   CORES=n (all)   MEM_MB=n (all)   GPUS=n (all)   PROFILE=slurm"
	@echo "  USE=text,images (dev: everything)   SKIP_FAILED=yes   TARGET=ablations   CONFIG='key=value ...'"

HASHED = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
NEEDED = $(HASHED) -r $(VENV)/needs.txt -c requirements.lock
OF_STUDY = test ! -f "config/$$STUDY/requirements.lock" || $(HASHED) --no-deps -r "config/$$STUDY/requirements.lock"

$(STAMP): $(wildcard requirements*.lock) pyproject.toml
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'suffice needs Python 3.11 or newer'"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python tools/needs.py "$(USE)" > $(VENV)/needs.txt
	$(HASHED) --no-deps -r requirements-pip.lock
	$(NEEDED) -c requirements-torch-cpu.lock 2>/dev/null || $(NEEDED) -c requirements-torch.lock -c requirements-cuda.lock
	$(if $(filter dev molecules,$(USES)),$(HASHED) --no-deps -r requirements-data.lock)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

install: $(STAMP) ## set up the virtual environment from the locks; USE=text installs only what texts need

study: $(STAMP) ## run a study, print its ranking and the path of its page
	@$(OF_STUDY)
	@$(BIN)/suffice run $(EFFORT)

plan: $(STAMP) ## show how many jobs of each kind a study has left, without running any
	@$(OF_STUDY)
	@$(BIN)/suffice plan $(EFFORT)

fetch: $(STAMP) ## download a study's models and data into the caches, for computers without network
	$(BIN)/suffice fetch "$$STUDY"

reproduce: ## recompute published numbers and compare them, in half a minute
	@$(MAKE) --no-print-directory study STUDY=published

report: $(STAMP) ## Snakemake's own report of a study that has run: every rule, file and figure
	$(BIN)/snakemake --cores 1 --config study="$$STUDY" $(SETTINGS) --report $(RESULTS)/snakemake-report.html

test: $(STAMP) ## all tests
	@$(HASHED) --no-deps -r config/agents/requirements.lock
	$(BIN)/python -m pytest

smoke: $(STAMP) ## install the wheel in each other Python that is there, and rank vectors with a known answer
	$(BIN)/nox --session smoke

matrix: $(STAMP) ## the same with all extras and the fast tests, in every Python that is there
	$(BIN)/nox --session fast

bench: $(STAMP) ## compare costs with the work they contain; fails if a ratio is 1.3 times that of benchmarks/ratios.csv
	$(BIN)/python benchmarks/ratios.py

check: $(STAMP) ## lint, format, types, workflow lint, dry run; names known vulnerabilities of the lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules src
	$(BIN)/mypy src/suffice
	$(BIN)/snakemake --lint
	$(BIN)/snakemake --dry-run --quiet all --cores 1
	-$(BIN)/python tools/audit.py

format: $(STAMP) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules src

lock: $(STAMP) ## resolve the locks and envs/ again
	$(BIN)/python tools/lock.py

docs: $(STAMP) ## write the manual from the settings, and build site/
	$(BIN)/python tools/manual.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean: ## remove results and logs, keep the environment
	rm -rf results logs
