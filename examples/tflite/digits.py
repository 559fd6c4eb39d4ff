"""A float .tflite model in mixed precision: half of int8's bytes, layer by layer where it hurts least.

    python examples/tflite/digits.py

does what `smidgen compress -m digits_float.tflite --recipe recipe.toml -o digits.tflite --report digits.html`
does, then runs the model on the simulated core.
"""

from __future__ import annotations

from pathlib import Path

from smidgen.run.compressing import compress
from smidgen.run.inputs import load_inputs
from smidgen.run.recipe import read_recipe
from smidgen.run.running import accuracy, run_all
from smidgen.run.session import open_session

HERE = Path(__file__).resolve().parent
RUN = 5  # digits on the simulated core


def main() -> int:
    recipe = read_recipe(HERE / "recipe.toml")
    small = compress(HERE / "digits_float.tflite", recipe)

    print("the front, on the images to choose on:")
    for point in small.searched.found.front:
        chosen = "<- chosen" if point == small.searched.point else ""
        print(f"  bits {point.bits}: {point.accuracy:+.1f} points, {point.weight_bytes:,} bytes {chosen}")
    evidence, shares = small.evidence, small.evidence.accuracy
    print(f"on {evidence.samples} others: {shares.before.value:.1%} float, {shares.after.value:.1%} now")
    print(f"weights and biases: {evidence.weight_bytes:,} of {evidence.float_weight_bytes:,} bytes")

    with open_session(small.graph, "midge") as session:
        inputs = load_inputs(session.graph, HERE.parent / "digits" / "digits_test.npz", RUN)
        runs = run_all(session.device, inputs.samples)
        right = accuracy([run.outputs[0] for run in runs], inputs.labels)
        print(f"midge: {right:.0%} of {RUN} digits, {runs[0].cycles:,} cycles each")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
