"""C programs that use Xmidge through its header: two in turns under a timer, and the manual's example."""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from midge_runner import Midge

from smidgen.compile.build import build
from smidgen.compress import requantize_weights
from smidgen.importers import load_model
from smidgen.targets import load_target

FLAGS = ["-march=rv32imc", "-mabi=ilp32", "-std=c99", "-ffreestanding", "-nostdlib"]
FLAGS += ["-Wall", "-Wextra", "-Werror"]


def run(
    xmidge: Midge, repository: Path, folder: Path, *sources: Path, level: str = "-O2"
) -> tuple[int, bytes]:
    """Builds the sources and runs them; (exit code, what they sent over the UART)."""
    script = repository / "hw" / "sim" / "smoke" / "link.ld"
    program = folder / "program.elf"
    includes = [f"-I{repository / 'firmware' / 'kernels' / 'midge'}", f"-I{folder}"]
    compiler = ["riscv64-unknown-elf-gcc", *FLAGS, level, *includes]
    subprocess.run([*compiler, "-T", script, *sources, "-lgcc", "-o", program], check=True)
    command = [xmidge.program, "--image", program, "--max-cycles", "20000000"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
    return done.returncode, done.stdout


FIRMWARE = Path(__file__).parent / "firmware"


def check_switching(code: int, output: bytes, rounds: int) -> None:
    """Both programs ran so often; interrupts within hardware loops were among the 400."""
    assert len(output) == 20, f"exit code {code}"
    first, second, first_mistakes, second_mistakes, in_loops = struct.unpack("<5I", output)
    assert (code, first_mistakes, second_mistakes) == (0, 0, 0)
    assert min(first, second) >= rounds
    assert in_loops > 20


@pytest.mark.parametrize("level", ["-Os", "-O3"])
def test_two_programs_in_turns_compute_what_each_computes_alone(
    xmidge: Midge, repository: Path, tmp_path: Path, level: str
) -> None:
    """Each disturbs all the state that the other relies on."""
    sources = [FIRMWARE / name for name in ("switching.S", "switching.c", "switching_kernels.c")]
    check_switching(*run(xmidge, repository, tmp_path, *sources, level=level), rounds=50)


def test_two_models_in_turns_compute_what_each_computes_alone(
    xmidge: Midge, repository: Path, tmp_path: Path
) -> None:
    """One network with weights of 8 bits, and with weights of 4."""
    model = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    target = load_target("midge")
    build(replace(model, name="first"), target, tmp_path / "first")
    build(replace(requantize_weights(model, 4), name="second"), target, tmp_path / "second")
    sources = [FIRMWARE / name for name in ("switching.S", "switching.c", "switching_models.c")]
    sources += [tmp_path / name / "model.c" for name in ("first", "second")]
    memory = repository / "firmware" / "runtime" / "mem.c"
    check_switching(*run(xmidge, repository, tmp_path, *sources, memory), rounds=3)


START = """
#include <stdint.h>
void fully_connected_16(const int8_t *, uint32_t, const uint32_t *, const int32_t *, const uint32_t *,
                        const uint32_t *, int8_t *);
static const int8_t x[12] = {1, -2, 3, -4, 5, -6, 7, -8, 127, -128, 11, -12};
static uint32_t weights[3][16], multiplier[16];
static int32_t bias[16];
static const uint32_t shift[4] = {0x00000000, 0x01010101, 0x02020202, 0xFFFFFFFF};
int main(void) {
    int8_t y[16];
    for (int32_t output = 0; output < 16; output++) {
        bias[output] = 10 * output;
        multiplier[output] = 0x80000000u;
        for (int32_t word = 0; word < 3; word++)
            for (int32_t byte = 0; byte < 4; byte++)
                weights[word][output] |= (uint32_t)(((output * 7 + word * 4 + byte) % 11 - 5) & 0xff)
                                         << 8 * byte;
    }
    fully_connected_16(x, 12, weights[0], bias, multiplier, shift, y);
    for (uint32_t i = 0; i < 16; i++) {
        while (!(*(volatile uint32_t *)0x20000004 & 2))
            continue;
        *(volatile uint32_t *)0x20000000 = (uint8_t)y[i];
    }
    return 0;
}
"""


def test_the_example_of_the_manual(xmidge: Midge, repository: Path, tmp_path: Path) -> None:
    manual = (repository / "docs" / "xmidge.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```c\n(.*?)```", manual, re.DOTALL)
    (tmp_path / "example.c").write_text(example)
    (tmp_path / "main.c").write_text(START)
    start = repository / "hw" / "sim" / "smoke" / "start.S"
    code, output = run(xmidge, repository, tmp_path, start, tmp_path / "main.c", tmp_path / "example.c")
    assert code == 0
    inputs, want = [1, -2, 3, -4, 5, -6, 7, -8, 127, -128, 11, -12], []
    for index in range(16):
        total = 10 * index + sum(value * ((index * 7 + i) % 11 - 5) for i, value in enumerate(inputs))
        shift = (0, 1, 2, -1)[index // 4]
        halved = (total << max(0, -shift)) + 1 >> 1
        half = 1 << shift >> 1 if shift > 0 else 0
        rounded = (abs(halved) + half >> max(0, shift)) * (-1 if halved < 0 else 1)
        want.append(min(max(rounded, -128), 127))
    assert list(struct.unpack("16b", output)) == want
