"""The generated C as people use it: in C and C++, beside another model, under sanitizers, in sections."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import build_for_host, graph, random_inputs, tensor

from smidgen.compile.bundle import Bundle
from smidgen.compile.emit.names import identifier
from smidgen.compile.emit.template import comment_text
from smidgen.compile.emit.weights import float_literal
from smidgen.graph import DType, Graph, Node, State
from smidgen.graph.operators import Add, Mul, Relu
from smidgen.graph.reference import run
from smidgen.importers import load_model
from smidgen.paths import data_folder

SEED = 3
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]

# Reads an input per run from stdin, writes all outputs of a run to stdout.
RUNNER = """
#include <stdio.h>
#include "model.h"
int main(void) {{
    {P}_DEFINE_ARENA(arena);
    {p}_reset(arena);
    while (fread({p}_input_0(arena), 1, {P}_INPUT_0_BYTES, stdin) == {P}_INPUT_0_BYTES) {{
        {p}_run(arena);
        fwrite({p}_output_0(arena), 1, {P}_OUTPUT_0_BYTES, stdout);
    }}
    return 0;
}}
"""


def call(*command: str | Path, data: bytes = b"") -> bytes:
    answer = subprocess.run([str(part) for part in command], input=data, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode(errors="replace")
    return answer.stdout


def add_model(name: str, scale: float = 0.5) -> Graph:
    tensors = [tensor(n, (1, 8), s, z) for n, s, z in (("x", 0.5, 3), ("s", scale, -2), ("y", scale, -2))]
    state = State("s", "y", np.full((1, 8), 5, np.int8))
    return graph(tensors, [Node("add", Add(), ("x", "s"), ("y",))], ["x"], ["y"], [state], name)


def program(bundle: Bundle, folder: Path, options: Sequence[str]) -> Path:
    main, output = folder / "main.c", folder / "runner"
    main.write_text(RUNNER.format(p=bundle.prefix, P=bundle.prefix.upper()))
    sources = [main, bundle.folder / "model.c"]
    call("gcc", "-std=c99", *STRICT, *options, f"-I{bundle.folder}", *sources, "-o", output)
    return output


def assert_program_equals_reference(model: Graph, runner: Path, samples: list[list[np.ndarray]]) -> None:
    data = b"".join(sample[0].tobytes() for sample in samples)
    actual = call(runner, data=data)
    states, expected = None, b""
    for sample in samples:
        result = run(model, sample, states)
        states = result.states
        expected += result.outputs[0].tobytes()
    assert actual == expected


@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad", "sww"])
def test_real_models_under_sanitizers(model: str, shared_data: Path, tmp_path: Path) -> None:
    loaded = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    runner = program(build_for_host(loaded, tmp_path / "bundle"), tmp_path, SANITIZERS)
    assert_program_equals_reference(loaded, runner, random_inputs(loaded, SEED, count=1))


def test_state_under_sanitizers(tmp_path: Path) -> None:
    model = add_model("state")
    runner = program(build_for_host(model, tmp_path / "bundle"), tmp_path, SANITIZERS)
    assert_program_equals_reference(model, runner, random_inputs(model, SEED, count=4))


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("hooks", [[], ["-DSMIDGEN_HOOKS"]], ids=["plain", "hooks"])
def test_sources_compile_without_a_warning(optimize: str, hooks: list[str], tmp_path: Path) -> None:
    bundle = build_for_host(add_model("m"), tmp_path, optimize)
    for option in ("-O0", "-O2"):
        source, output = bundle.folder / "model.c", tmp_path / "model.o"
        call("gcc", "-std=c99", *STRICT, option, *hooks, "-c", source, "-o", output)
    runtime = data_folder("firmware") / "runtime"
    source = bundle.folder / "model_agent.c"
    options = [*hooks, f"-I{runtime}", f"-I{bundle.folder}"]
    call("gcc", "-std=c99", *STRICT, *options, "-c", source, "-o", tmp_path / "agent.o")


def test_header_serves_cpp(tmp_path: Path) -> None:
    """model.h in C++: no warning, names without mangling."""
    bundle = build_for_host(add_model("m"), tmp_path / "bundle")
    main = tmp_path / "main.cpp"
    main.write_text(
        """
        #include "model.h"
        M_DEFINE_ARENA(arena);
        int main() {
            const int shape[] = M_INPUT_0_SHAPE;
            m_reset(arena);
            for (int i = 0; i < M_INPUT_0_ELEMENTS; i++) m_input_0(arena)[i] = m_input_0_quantize(1.5f);
            m_run(arena);
            // x = 1.5, and s = 5 is (5 + 2) * 0.5
            return m_output_0_dequantize(m_output_0(arena)[0]) == 5.0f && shape[1] == 8 ? 0 : 1;
        }
        """
    )
    call("gcc", "-std=c99", "-c", bundle.folder / "model.c", "-o", tmp_path / "model.o")
    options = ["-Wall", "-Wextra", "-Werror", f"-I{bundle.folder}", "-DSMIDGEN_HOOKS"]
    call("g++", *options, main, tmp_path / "model.o", "-o", tmp_path / "program")
    call(tmp_path / "program")


def test_two_models_in_one_image(tmp_path: Path) -> None:
    """Two bundles side by side, with arenas of their own, give what each gives alone."""
    models = {name: add_model(name, scale) for name, scale in (("first", 0.5), ("second", 0.25))}
    for name, model in models.items():
        build_for_host(model, tmp_path / name)
    main = tmp_path / "main.c"
    main.write_text(
        """
        #include <stdio.h>
        #include "first/model.h"
        #include "second/model.h"
        FIRST_DEFINE_ARENA(one);
        SECOND_DEFINE_ARENA(two);
        int main(void) {
            first_reset(one);
            second_reset(two);
            for (int run = 0; run < 3; run++) {
                for (int i = 0; i < 8; i++) {
                    first_input_0(one)[i] = (int8_t)(10 * i);
                    second_input_0(two)[i] = (int8_t)(10 * i);
                }
                first_run(one);
                second_run(two);
                fwrite(first_output_0(one), 1, 8, stdout);
                fwrite(second_output_0(two), 1, 8, stdout);
            }
            return 0;
        }
        """
    )
    sources = [main, tmp_path / "first" / "model.c", tmp_path / "second" / "model.c"]
    call("gcc", "-std=c99", *STRICT, f"-I{tmp_path}", *sources, "-o", tmp_path / "program")
    x = (10 * np.arange(8)).astype(np.int8).reshape(1, 8)
    expected, states = b"", dict.fromkeys(models)
    for _ in range(3):
        for name, model in models.items():
            result = run(model, [x], states[name])
            states[name] = result.states
            expected += result.outputs[0].tobytes()
    assert call(tmp_path / "program") == expected


def test_weights_and_arena_go_to_named_sections(tmp_path: Path) -> None:
    tensors = [tensor("x", (1, 8)), tensor("y", (1, 8))]
    values = np.arange(8, dtype=np.int8).reshape(1, 8)
    tensors.append(type(tensors[0])("c", (1, 8), DType.I8, tensors[0].quantization, values))
    model = graph(tensors, [Node("mul", Mul(), ("x", "c"), ("y",))], ["x"], ["y"], name="m")
    bundle = build_for_host(model, tmp_path / "bundle")
    main = tmp_path / "main.c"
    main.write_text(
        '#include "model.h"\nM_DEFINE_ARENA(arena);\nint main(void) { m_run(arena); return 0; }\n'
    )
    sections = [
        '-DM_WEIGHTS_SECTION=__attribute__((section(".my_weights")))',
        '-DM_ARENA_SECTION=__attribute__((section(".my_arena")))',
    ]
    sources = [main, bundle.folder / "model.c"]
    call("gcc", "-std=c99", *sections, f"-I{bundle.folder}", *sources, "-o", tmp_path / "program")
    listing = call("objdump", "-t", tmp_path / "program").decode()
    placed = {line.split()[-1]: line for line in listing.splitlines() if line}
    assert ".my_weights" in placed["m_w_c"]
    assert ".my_arena" in placed["arena"]


def test_quantize_and_dequantize_helpers_round_as_the_reference(tmp_path: Path) -> None:
    """Over ties, the clamp's ends, infinities and not-a-number."""
    scale, zero_point = 0.25, 3
    tensors = [tensor(name, (1, 4), scale, zero_point) for name in "xy"]
    build_for_host(graph(tensors, [Node("r", Relu(), ("x",), ("y",))], ["x"], ["y"], name="m"), tmp_path)
    main = tmp_path / "main.c"
    main.write_text(
        """
        #include <stdio.h>
        #include "model.h"
        int main(void) {
            float real;
            while (fread(&real, sizeof real, 1, stdin) == 1) {
                int8_t integer = m_input_0_quantize(real);
                float back = m_input_0_dequantize(integer);
                fwrite(&integer, 1, 1, stdout);
                fwrite(&back, sizeof back, 1, stdout);
            }
            return 0;
        }
        """
    )
    call("gcc", "-std=c99", *STRICT, *SANITIZERS, main, "-o", tmp_path / "program")
    grid = np.arange(-300, 300, dtype=np.float32) / 8
    below_tie = np.nextafter(np.float32(0.125), np.float32(0))
    extra = np.array([below_tie, -below_tie, 1e30, -1e30, np.inf, -np.inf, np.nan], np.float32)
    reals = np.concatenate([grid, extra])
    answer = np.frombuffer(
        call(tmp_path / "program", data=reals.tobytes()), np.dtype([("integer", "i1"), ("back", "<f4")])
    )
    scaled = reals.astype(np.float64) / scale
    away = np.where(np.isnan(scaled), -np.inf, np.sign(scaled) * np.floor(np.abs(scaled) + 0.5))
    expected = np.clip(away + zero_point, -128, 127).astype(np.int8)
    np.testing.assert_array_equal(answer["integer"], expected)
    np.testing.assert_array_equal(
        answer["back"], np.float32(scale) * (expected.astype(np.float32) - zero_point)
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("KWS int8", "kws_int8"),
        ("2nd", "model_2nd"),
        ("", "model"),
        ("smidgen", "model_smidgen"),
        ("é", "model"),
    ],
)
def test_names_of_models_become_identifiers(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_hostile_names_stay_in_comments_and_strings(tmp_path: Path) -> None:
    """Names from a file that would end a comment or a string, or hold line breaks, do no harm."""
    name = 'x */ int y; /* " \\ ???/ \n#error'
    assert "*/" not in comment_text(name)
    tensors = [tensor(name, (1, 4)), tensor("y\x00\u2028", (1, 4))]
    model = graph(
        tensors, [Node(name, Relu(), (name,), ("y\x00\u2028",))], [name], ["y\x00\u2028"], name=name
    )
    bundle = build_for_host(model, tmp_path)
    call("gcc", "-std=c99", *STRICT, "-c", bundle.folder / "model.c", "-o", tmp_path / "model.o")
    main = tmp_path / "main.c"
    main.write_text(
        '#include "model_agent.c"\n#include <stdio.h>\nint main(void) { puts(layers[0].name); }\n'
    )
    options = ["-DSMIDGEN_HOOKS", f"-I{data_folder('firmware') / 'runtime'}", f"-I{bundle.folder}"]
    sources = [main, bundle.folder / "model.c"]
    call("gcc", "-std=c99", *STRICT, *options, *sources, "-o", tmp_path / "program")
    assert call(tmp_path / "program").decode() == name + "\n"


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e-30, 3.4028235e38, 1e-45, -7.25])
def test_float_constants_are_exact(value: float, tmp_path: Path) -> None:
    source = tmp_path / "main.c"
    source.write_text(
        f"#include <stdio.h>\nint main(void) {{ float x = {float_literal(value)};"
        " fwrite(&x, sizeof x, 1, stdout); return 0; }\n"
    )
    call("gcc", "-std=c99", source, "-o", tmp_path / "program")
    assert np.frombuffer(call(tmp_path / "program"), np.float32)[0] == np.float32(value)
