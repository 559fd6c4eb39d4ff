"""LiteRT's own quantizer on the same models, calibration data and images as `benchmarks.quantize`.

Needs the package litert-quantizer beside Smidgen. Its models run in LiteRT as they come; the best of its
algorithms is what ours must reach.

    python -m benchmarks.quantize_peer --json peers.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.quantize import LOADERS, Data
from benchmarks.rows import SHARED, open_rows
from smidgen.compress.batches import Sample
from smidgen.compress.evidence import compare
from smidgen.exporters.tflite import export_tflite
from smidgen.importers import load_model
from smidgen.report.tables import print_table

_ALGORITHMS = ("min_max_uniform_quantize", "MSE", "OCTAV")


def quantized(model: bytes, data: Data, bits: int, algorithm: str) -> bytes:
    """int8 activations, weights of `bits` bits per channel; of 4 but in depthwise layers, where it has 8."""
    from litert_quantizer import qtyping, quantizer

    peer = quantizer.Quantizer(model)
    operators = qtyping.TFLOperationName
    peer.add_static_config(".*", operators.ALL_SUPPORTED, 8, 8)
    for name in ("CONV_2D", "FULLY_CONNECTED", *(["DEPTHWISE_CONV_2D"] if bits == 8 else [])):
        peer.add_static_config(".*", operators[name], 8, bits, algorithm_key=algorithm)
    interpreter = Interpreter(model_content=model)
    (signature,) = interpreter.get_signature_list().items()
    name, inputs = signature[0], signature[1]["inputs"]

    samples = [dict(zip(inputs, sample, strict=True)) for sample in data.calibration]
    calibration = peer.calibrate({name: samples}, num_threads=1)
    return bytes(peer.quantize(calibration).quantized_model)


def answers(model: bytes, samples: list[Sample]) -> np.ndarray:
    """What the model says in LiteRT; inputs are quantized where it takes integers."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    (x,), (y,) = interpreter.get_input_details(), interpreter.get_output_details()
    result = []
    for (sample,) in samples:
        if x["dtype"] == np.int8:
            scale, zero = x["quantization"]
            sample = np.clip(np.rint(sample / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(x["index"], sample)
        interpreter.invoke()
        result.append(int(interpreter.get_tensor(y["index"]).argmax()))
    return np.array(result)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantize_peer", description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED, metavar="DIR")
    parser.add_argument("--only", choices=tuple(LOADERS), nargs="+", default=("vww", "ic"))
    parser.add_argument("--bits", type=int, choices=(8, 4), nargs="+", default=[8, 4])
    parser.add_argument("--json", type=Path, metavar="FILE", help="rows measured before, and now")
    options = parser.parse_args()
    rows, save = open_rows(options.json)
    for name in options.only:
        keys = {f"{name} {bits} {a}": (bits, a) for bits in options.bits for a in _ALGORITHMS}
        keys = {key: wanted for key, wanted in keys.items() if key not in rows}
        if not keys:
            continue
        data = LOADERS[name](options.data)
        # Written again, because the quantizer wants a signature.
        model = export_tflite(load_model(options.data / "mlperf_tiny" / f"{name}_float.tflite"))
        right = answers(model, data.samples) == data.labels
        for key, (bits, algorithm) in keys.items():
            print(f"measuring {key} ...", file=sys.stderr, flush=True)
            try:
                theirs = answers(quantized(model, data, bits, algorithm), data.samples)
                rows[key] = compare(right, theirs == data.labels).to_json()
            except (RuntimeError, ValueError, KeyError) as error:
                rows[key] = {"refused": f"{type(error).__name__}: {error}".splitlines()[0]}
            save()
    print_table(
        ["model", "bits", "algorithm", "float %", "theirs %", "points"],
        [(*key.split(), *_cells(row)) for key, row in rows.items()],
    )
    return 0


def _cells(row: dict) -> tuple[str, str, str]:
    if "refused" in row:
        return "-", "-", row["refused"]
    shares = (f"{100 * row[which]['share']:.2f}" for which in ("float", "quantized"))
    return (*shares, f"{100 * row['difference']:+.2f}")


if __name__ == "__main__":
    sys.exit(main())
