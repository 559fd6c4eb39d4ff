"""LiteRT's own quantizer and ours in one run: the same models, calibration data and images.

Needs the package litert-quantizer beside Smidgen. Its models run in LiteRT as they come, ours in the
reference, which TensorFlow Lite Micro equals to the byte. The best of LiteRT's algorithms is what ours must
reach; `--development` compares on images that are not those of the report. Rows that the JSON file holds
already are not measured again.

    python -m benchmarks.quantize_peer --json peers.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.quantize import LOADERS, Data, answers_of, compressed
from benchmarks.rows import SHARED, open_rows
from smidgen.compress.batches import Sample
from smidgen.compress.evidence import compare
from smidgen.exporters.tflite import export_tflite
from smidgen.importers import load_model
from smidgen.report.tables import print_table

_ALGORITHMS = ("min_max_uniform_quantize", "MSE", "OCTAV")
_OURS = "ours"


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

    samples = [dict(zip(inputs, sample, strict=True)) for sample in data.known]
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
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quantize_peer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=SHARED, metavar="DIR")
    parser.add_argument("--only", choices=tuple(LOADERS), nargs="+", default=("vww", "ic"))
    parser.add_argument("--bits", type=int, choices=(8, 4), nargs="+", default=[8, 4])
    parser.add_argument("--development", action="store_true",
                        help="on data to choose on, instead of those to report on")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="rows measured before, and now")
    options = parser.parse_args()
    rows, save = open_rows(options.json)
    for name in options.only:
        keys = {f"{name} {bits} {by}": (bits, by) for bits in options.bits for by in (_OURS, *_ALGORITHMS)}
        keys = {key: wanted for key, wanted in keys.items() if key not in rows}
        if not keys:
            continue
        data = LOADERS[name](options.data, options.development)
        graph = load_model(options.data / "mlperf_tiny" / f"{name}_float.tflite")
        model = export_tflite(graph)  # written again, because the quantizer wants a signature
        floats = answers(model, data.unseen)
        for key, (bits, by) in keys.items():
            print(f"measuring {key} ...", file=sys.stderr, flush=True)
            try:
                if by == _OURS:
                    integer = compressed(graph, data, bits, "equalized")
                    said = answers_of(integer, data.unseen)
                else:
                    said = answers(quantized(model, data, bits, by), data.unseen)
            except (RuntimeError, ValueError, KeyError) as error:
                rows[key] = {"refused": f"{type(error).__name__}: {error}".splitlines()[0]}
            else:
                rows[key] = {
                    **compare(floats == data.labels, said == data.labels).to_json(),
                    "differ": float((said != floats).mean()),
                    "right": "".join("01"[int(right)] for right in said == data.labels),
                }
            save()
    print_rows(rows)
    return 0


def print_rows(rows: dict[str, dict]) -> None:
    """Each row beside ours with the same model and bits: its points less ours, and how sure that is."""
    table = []
    for key, row in rows.items():
        name, bits, by = key.split()
        if "refused" in row:
            table.append((name, bits, by, "-", "-", "-", row["refused"], "-", "-"))
            continue
        cells = (f"{100 * row[which]['share']:.2f}" for which in ("float", "quantized"))
        ours, less, sure = rows.get(f"{name} {bits} {_OURS}"), "-", "-"
        if ours and by != _OURS:
            versus = compare(_right(ours), _right(row))
            less, sure = f"{100 * versus.difference:+.2f}", f"{versus.mcnemar:.3g}"
        points, differ = f"{100 * row['difference']:+.2f}", f"{100 * row['differ']:.2f}"
        table.append((name, bits, by, *cells, points, differ, less, sure))
    print_table(
        ("model", "bits", "by", "float %", "its %", "points", "differ %", "less ours", "McNemar p"), table
    )


def _right(row: dict) -> np.ndarray:
    return np.array(list(row["right"])) == "1"


if __name__ == "__main__":
    sys.exit(main())
