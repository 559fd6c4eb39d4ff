"""QEMU's plugin counts to the instruction: programs whose count is known by construction."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from smidgen.device.simulators import qemu
from smidgen.device.simulators.counting import LOG, CountLog
from smidgen.device.simulators.process import launch

pytestmark = pytest.mark.skipif(
    not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)

SOURCE = Path(__file__).parent / "firmware" / "counted.S"
CORTEX_M4 = ("mps2-an386", "-mcpu=cortex-m4")
CORTEX_M55 = ("mps3-an547", "-mcpu=cortex-m55 -mfloat-abi=hard")

# Body, and how many instructions it executes. A skipped instruction of an IT or VPT block counts.
EVERYWHERE = {
    "nothing": ("", 0),
    "straight line, more than one block of QEMU's": (".rept 1300; adds r0, #1; .endr", 1300),
    "loop": ("movs r0, #50; 1: subs r0, #1; bne 1b", 101),
    "loop of one instruction": ("mov r0, #1; 1: cbz r0, 2f; movs r0, #0; b 1b; 2:", 5),
    "nested loops": ("movs r0, #7; 1: movs r1, #5; 2: subs r1, #1; bne 2b; subs r0, #1; bne 1b", 92),
    "IT block": ("movs r0, #1; cmp r0, #0; itte eq; addeq r1, #1; addeq r1, #2; addne r1, #3", 6),
    "IT block with a branch": ("cmp r7, r7; it eq; beq 1f; nop; nop; 1: nop", 4),
    "call": ("bl function; bl function", 6),
    "jump table": ("movs r0, #1; tbb [pc, r0]; .byte 1, 2; nop; nop; nop", 4),
    "several words at once": ("push {r0-r6}; pop {r0-r6}", 2),
}  # fmt: skip
VECTORS = {
    "low-overhead loop": ("movs r1, #10; dls lr, r1; 1: nop; nop; le lr, 1b", 32),
    "low-overhead loop of no turns": ("movs r1, #0; wls lr, r1, 2f; 1: nop; le lr, 1b; 2:", 2),
    "tail-predicated loop": (
        "movs r1, #40; adr r2, data; dlstp.8 lr, r1; 1: vldrb.u8 q0, [r2], #16; "
        "vmladava.s8 r0, q0, q0; letp lr, 1b", 12,
    ),
    "VPT block": ("vpte.i8 eq, q0, q1; vaddt.i8 q0, q0, q1; vadde.i8 q0, q0, q1", 3),
}  # fmt: skip
CASES = [(machine, body) for machine in (CORTEX_M4, CORTEX_M55) for body in EVERYWHERE.items()]
CASES += [(CORTEX_M55, body) for body in VECTORS.items()]


@pytest.mark.parametrize(("machine", "case"), CASES, ids=lambda value: value[0])
def test_the_count_is_exact_and_repeats(
    tmp_path: Path, machine: tuple[str, str], case: tuple[str, tuple[str, int]]
) -> None:
    _, (body, expected) = case
    counts = executed(tmp_path, body, *machine)
    assert counts["layer"] == [0] * 3
    assert counts["run"] == [expected] * 3


def executed(folder: Path, body: str, machine: str, flags: str) -> dict[str, list[int]]:
    image = folder / "counted.elf"
    command = ["arm-none-eabi-gcc", *flags.split(), "-mthumb", "-nostdlib", f"-DBODY={body}", str(SOURCE)]
    command += ["-Wl,-Ttext=0x100,--section-start=.vectors=0,-e,start", "-o", str(image)]
    subprocess.run(command, check=True)
    log = folder / LOG
    line = [*qemu.command_line(image, machine, log), "-semihosting-config", "enable=on,target=native"]
    with launch("QEMU", lambda _: line) as simulator:
        assert simulator.wait(60) == 0, simulator.log()
    return CountLog(log).new_counts()
