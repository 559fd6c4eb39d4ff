"""Imports damaged models in a process of its own, under limits, and says what came of each.

python import_worker.py MODELS_FOLDER WORK_FOLDER FIRST_SEED COUNT  -> one JSON object on stdout
"""

from __future__ import annotations

import gc
import json
import resource
import signal
import sys
import time
from pathlib import Path

from model_mutations import MODELS, mutate, structure_bytes

import smidgen.importers.keras
import smidgen.importers.onnx  # noqa: F401 (loaded now, their libraries are not counted as growth)
from smidgen.errors import SmidgenError
from smidgen.importers import load_model

SECONDS_PER_FILE = 5
ADDRESS_SPACE_BYTES = 3 << 30


class TooSlow(Exception):
    pass


def _alarm(signum: int, frame: object) -> None:
    raise TooSlow


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    """Of this program. What getrusage says counts the process that started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main() -> None:
    models, work = Path(sys.argv[1]), Path(sys.argv[2])
    first, count = int(sys.argv[3]), int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    signal.signal(signal.SIGALRM, _alarm)
    originals = [(models / f"{name}_int8.tflite").read_bytes() for name in MODELS]
    structures = [structure_bytes(content) for content in originals]
    path = work / f"mutated_{first}.tflite"
    accepted, wrong, slowest, start_bytes = [], [], 0.0, 0
    for number in range(count):
        seed = first + number
        which = seed % len(MODELS)
        path.write_bytes(mutate(originals[which], structures[which], seed))
        started = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, SECONDS_PER_FILE)
        try:
            load_model(path)
            accepted.append(seed)
        except SmidgenError as error:
            if not str(error) or "Traceback" in str(error):
                wrong.append((seed, "an error without a clear text"))
        except BaseException as error:
            wrong.append((seed, f"{type(error).__name__}: {error}"))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.perf_counter() - started)
        if number == count // 10:
            gc.collect()
            start_bytes = _resident_bytes()
    path.unlink()
    gc.collect()
    report = {
        "accepted": accepted,
        "wrong": wrong,
        "slowest_seconds": slowest,
        "grown_bytes": _resident_bytes() - start_bytes,
        "peak_bytes": _peak_bytes(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
