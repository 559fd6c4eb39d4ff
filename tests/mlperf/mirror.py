"""What the agent must answer to bytes that are no SMP frame: docs/mlperf.md once more, in Python."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import toy

SIZE = 24  # elements of the toy model's input a; b has 8
INPUT_BYTES = SIZE + 8

DATA = bytes(range(100, 100 + INPUT_BYTES))
LOAD = b"db load 32%db " + DATA[:20].hex().encode() + b"%db " + DATA[20:].hex().encode() + b"%"

GREETING = "m-timestamp-mode-performance\r\nm-lap-us-TIME\r\nm-init-done\r\nm-ready\r\n"
_LONGEST = 80
_NUMBER = r"0*[0-9]{1,9}"
_VERSION = "ULPMark for tinyML Firmware V0.0.1"
_HELP = f"{_VERSION}\r\nname profile timestamp results db infer\r\n"


def without_times(text: str) -> str:
    return re.sub(r"m-lap-us-[0-9]+", "m-lap-us-TIME", text)


class Mirror:
    """The toy model behind the text commands."""

    def __init__(self) -> None:
        self._model = toy.ToyModel(SIZE)
        self._expected = 0
        self._data = b""
        self._outputs: list[np.ndarray] | None = None
        self._line = bytearray()
        self._bad = False

    def feed(self, data: bytes) -> str:
        """The answers to these bytes."""
        answers = []
        for byte in data:
            if byte == ord("%"):
                answers.append(self._answer() + "m-ready\r\n")
            if byte in b"%\r\n":
                self._line.clear()
                self._bad = False
            elif not 32 <= byte <= 126 or len(self._line) == _LONGEST:
                self._bad = True
            else:
                self._line.append(byte)
        return "".join(answers)

    def _answer(self) -> str:
        if self._bad:
            return "e-[No command]\r\n"
        text = self._line.decode().lstrip(" ")
        word, _, rest = text.partition(" ")
        rest = rest.lstrip(" ")
        plain = {
            "name": "m-name-dut-[host]\r\n",
            "profile": f"m-profile-[{_VERSION}]\r\nm-model-[toy]\r\n",
            "timestamp": "m-lap-us-TIME\r\n",
            "help": _HELP,
        }
        if text.rstrip(" ") in plain:
            return plain[text.rstrip(" ")]
        if text.rstrip(" ") == "results":
            return self._results()
        if word == "infer":
            return self._infer(rest)
        if word == "db":
            return self._db(rest)
        return "e-[Unknown command]\r\n"

    def _infer(self, rest: str) -> str:
        found = re.fullmatch(rf"({_NUMBER})(?: +({_NUMBER}))? *", rest)
        if found is None or int(found[1]) == 0:
            return "e-[Bad arguments]\r\n"
        if self._expected == 0 or len(self._data) != self._expected:
            return "e-[No input]\r\n"
        count, warmups = int(found[1]), int(found[2] or 10)
        a = np.frombuffer(self._data[:SIZE], np.int8).reshape(1, SIZE)
        for _ in range(count + warmups):
            self._outputs = self._model.run(a, np.frombuffer(self._data[SIZE:], np.int8))
        lines = [f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{count}"]
        lines += ["m-lap-us-TIME", "m-lap-us-TIME", "m-infer-done"]
        return "".join(f"{line}\r\n" for line in lines) + self._results()

    def _results(self) -> str:
        if self._outputs is None:
            return "e-[No results]\r\n"
        hi, lo = (output.reshape(-1).astype(int) for output in self._outputs)
        values = [*(Decimal(int(value) - 7) / 4 for value in hi), *(Decimal(int(value)) for value in lo)]
        digits = [str(value.quantize(Decimal("0.001"), ROUND_HALF_UP)) for value in values]
        return f"m-results-[{','.join('0.000' if one == '-0.000' else one for one in digits)}]\r\n"

    def _db(self, rest: str) -> str:
        word, _, arguments = rest.partition(" ")
        arguments = arguments.lstrip(" ")
        if word == "load":
            return self._load(arguments)
        if word == "print":
            return self._print(arguments)
        if re.fullmatch(r"([0-9A-Fa-f]{2})+", rest) is None:
            return "e-[Bad arguments]\r\n"
        piece = bytes.fromhex(rest)
        if len(piece) > self._expected - len(self._data):
            return "e-[More than was announced]\r\n"
        self._data += piece
        return "m-load-done\r\n" if len(self._data) == self._expected else ""

    def _load(self, arguments: str) -> str:
        if re.fullmatch(rf"{_NUMBER} *", arguments) is None:
            return "e-[Bad arguments]\r\n"
        if int(arguments) != INPUT_BYTES:
            return f"e-[The input is {INPUT_BYTES} bytes]\r\n"
        self._expected, self._data, self._outputs = INPUT_BYTES, b"", None
        return f"m-[Expecting {INPUT_BYTES} bytes]\r\n"

    def _print(self, arguments: str) -> str:
        if re.fullmatch(rf"(?:{_NUMBER}(?: +{_NUMBER})?)? *", arguments) is None:
            return "e-[Bad arguments]\r\n"
        numbers = [int(word) for word in arguments.split()]
        count, offset = [*numbers, len(self._data), 0][:2] if len(numbers) != 1 else [numbers[0], 0]
        if count + offset > len(self._data):
            return "e-[Bad arguments]\r\n"
        data = self._data[offset : offset + count]
        rows = [data[i : i + 8].hex("-") for i in range(0, count, 8)]
        return "".join(f"m-buffer-{row}\r\n" for row in rows)
