# Every target does its own set-up: Debian packages (when it can become root) and a virtual environment in .venv.
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
VERIFY_INSTALLED := $(VENV)/.installed-verify
WORKERS ?= 2

.PHONY: demo test test-slow lint bench hw-synth setup clean

demo: setup
	$(PYTHON) examples/digits/demo.py

test: setup
	$(PYTHON) -m pytest -n $(WORKERS)

test-slow: setup $(VERIFY_INSTALLED)
	$(PYTHON) -m pytest -n $(WORKERS) -m slow

lint: setup
	scripts/prerequisites.sh clang-format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	git ls-files 'firmware/*.c' 'firmware/*.h' 'hw/*.c' 'hw/*.h' 'hw/*.cpp' 'tests/*.c' 'tests/*.h' | xargs --no-run-if-empty clang-format --dry-run --Werror

bench: setup
	$(PYTHON) -m benchmarks

hw-synth: setup
	$(MAKE) -C hw synth PYTHON=$(abspath $(PYTHON))

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml scripts/prerequisites.sh
	scripts/prerequisites.sh
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Smidgen needs Python 3.11 or newer")'
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Spike, the independent model that the core is compared with instruction by instruction.
$(VERIFY_INSTALLED): $(INSTALLED)
	scripts/prerequisites.sh device-tree-compiler
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[verify]'
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
