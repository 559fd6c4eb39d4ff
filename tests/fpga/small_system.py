"""A system that is made in seconds, in place of Midge's, on the real boards' modules and pins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from smidgen.paths import data_folder
from smidgen.targets import Target, load_target

PROGRAM_BYTES = 8192
# Goes behind the head of the real system's module, and reads all of its program memory over and over.
SYSTEM = """
  logic [$clog2(PROGRAM_BYTES)-3:0] address;
  logic [31:0] word, other;
  always_ff @(posedge clock) begin
    address <= reset_n ? address + 1'b1 : '0;
    uart_tx <= ^word;
    stopped <= ^other ^ uart_rx;
  end
  for (genvar lane = 0; lane < 4; lane++) begin : g_lane
    localparam string SUFFIX = lane == 0 ? ".0" : lane == 1 ? ".1" : lane == 2 ? ".2" : ".3";
    memory #(.DEPTH(PROGRAM_BYTES / 4), .CONTENTS({PROGRAM_CONTENTS, SUFFIX})) lane_memory (
        .clock, .address_a(address), .data_a(word[8*lane+:8]),
        .address_b(~address), .data_b(other[8*lane+:8]));
  end
endmodule

module memory #(parameter int DEPTH = 1, parameter string CONTENTS = "") (
    input logic clock, input logic [$clog2(DEPTH)-1:0] address_a, address_b,
    output logic [7:0] data_a, data_b);
  logic [7:0] bytes[DEPTH];
  initial $readmemh(CONTENTS, bytes);
  always_ff @(posedge clock) begin
    data_a <= bytes[address_a];
    data_b <= bytes[address_b];
  end
endmodule
"""


# The same for a board with a SDRAM chip: every pin depends on something, and something on every pin.
WITH_SDRAM = SYSTEM.replace("word, other;", "word, other, read;").replace(
    "^other ^ uart_rx;",
    "^{other, read, uart_rx};\n    read <= sdram_read_data;\n    sdram <= {sdram, ^word};",
)


def stand_in(top: Path) -> dict[str, str]:
    """What `bitstream.system_sources` gives, with the small system in place of Midge's."""
    hw, module = data_folder("hw"), top.read_text(encoding="utf-8")
    name, system = ("fpga_system_sdram", WITH_SDRAM) if "sdram" in module else ("fpga_system", SYSTEM)
    paths = [*(hw / "boards").glob("ecp5_*.sv"), hw / "soc" / "external_package.sv"]
    paths += [hw / "synth" / "ecp5" / f"{cells}.sv" for cells in ("ehxplll", "pins")]
    texts = {path.relative_to(hw).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}
    head, end, _ = (hw / "boards" / f"{name}.sv").read_text(encoding="utf-8").partition("\n);\n")
    # The package comes first.
    package = texts.pop("soc/external_package.sv")
    return {"package.sv": package, "system.sv": head + end + system, **texts, f"boards/{top.name}": module}


def small(name: str) -> Target:
    """A target with memories as small as its system."""
    target = load_target(name)
    memories = tuple(replace(memory, length=PROGRAM_BYTES) for memory in target.memories)
    return replace(target, memories=memories)
