"""`smidgen ops` lists every operator, and every name that an importer claims."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smidgen.cli import main
from smidgen.graph import operators
from smidgen.importers import keras, onnx, tflite

IMPORTERS = {".tflite": tflite.SUPPORTED, "ONNX": onnx.SUPPORTED, "Keras": keras.SUPPORTED}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path: Path = tmp_path_factory.mktemp("ops") / "ops.json"
    assert main(["ops", "--json", str(path)]) == 0
    return json.loads(path.read_text(encoding="utf-8"))["operators"]


def test_every_operator_has_a_row(records: list[dict[str, str]]) -> None:
    kinds = [getattr(operators, name) for name in operators.__all__]
    expected = {kind.type_name for kind in kinds if getattr(kind, "type_name", "")}
    assert {record["operator"] for record in records[:-1]} == expected
    assert len(records) == len(expected) + 1


@pytest.mark.parametrize("importer", IMPORTERS)
def test_every_claimed_name_stands_somewhere(records: list[dict[str, str]], importer: str) -> None:
    listed = {name for record in records for name in record[importer].split()}
    assert listed - {"-"} == set(IMPORTERS[importer])


@pytest.mark.parametrize("importer", ["ONNX", "Keras"])
def test_importers_name_operators_that_there_are(records: list[dict[str, str]], importer: str) -> None:
    known = {record["operator"] for record in records}
    named = {one for entry in IMPORTERS[importer].values() for one in entry.makes}
    assert named <= known


def test_types_are_those_of_the_code(records: list[dict[str, str]]) -> None:
    by_name = {record["operator"]: record for record in records}
    assert by_name["CONV_2D"]["reference"].startswith("i8")
    (portable,) = [key for key in by_name["CONV_2D"] if key.startswith("portable")]
    assert by_name["CONV_2D"][portable] == "i8 (weights also i4 i2) i16"
    assert by_name["LSTM"][portable] == by_name["GRU"][portable] == "i8"  # recurrent weights have 8 bits
    assert by_name["CONV_2D"][portable] != "-" != by_name["RESHAPE"][portable]
