"""ONNX's own tests of single operators, as far as `smidgen ops` claims these, through the importer and the
reference:

    python -m benchmarks.onnx_nodes [--json FILE]

Counted is a test whose operators the importer claims (or evaluates at import), whose tensors are float32,
booleans or whole numbers of 32 and 64 bits, at least one of them float32. Where an operator's further inputs
must be known at import (weights, shapes, axes), the test's values become constants of its model, and the
table says how often. Every test that does not pass is listed with the reason. Nothing is timed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import ModelProto, numpy_helper
from onnx.backend.test.case import node as node_cases
from onnx.backend.test.case.test_case import TestCase

from smidgen.errors import SmidgenError
from smidgen.graph.reference import Reference
from smidgen.importers import onnx as importer
from smidgen.importers.onnx.edges import channels_first_edges
from smidgen.importers.onnx.fold import FOLDED

_TYPES = {np.dtype(kind) for kind in (np.float32, np.int32, np.int64, np.bool_)}
_KNOWN_AT_IMPORT = FOLDED | {"Constant", "Shape", "Size"}


@dataclass(frozen=True)
class Outcome:
    """constants: whether inputs but the first were made constants; refused: why the importer refused the
    model; wrong: how the outputs differ. Neither: passed."""

    name: str
    operators: tuple[str, ...]
    constants: bool = False
    refused: str = ""
    wrong: str = ""

    @property
    def passed(self) -> bool:
        return not (self.refused or self.wrong)


def modules() -> list[str]:
    """The modules of ONNX's tests, mostly one per operator."""
    return sorted(one.name for one in pkgutil.iter_modules(node_cases.__path__))


def cases(names: Iterable[str] | None = None) -> list[TestCase]:
    """The tests of these modules (all when None), with their data, which are made while a module is
    imported."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if names is None:
            return list(node_cases.collect_testcases())
        for name in names:
            importlib.import_module(f"{node_cases.__name__}.{name}")
        return list(node_cases._NodeTestCases)


def is_claimed(case: TestCase) -> bool:
    """Whether the test counts; see the module."""
    if case.model is None or not case.data_sets:
        return False
    operators = {node.op_type for node in case.model.graph.node}
    arrays = [array for inputs, outputs in case.data_sets for array in (*inputs, *outputs)]
    types = {array.dtype if isinstance(array, np.ndarray) else None for array in arrays}
    return (
        operators <= {*importer.SUPPORTED, *_KNOWN_AT_IMPORT}
        and bool(operators & {*importer.SUPPORTED})
        and types <= _TYPES
        and np.dtype(np.float32) in types
    )


def outcome(case: TestCase) -> Outcome:
    """Import, run, compare; a second time with constants when that is refused."""
    operators = tuple(sorted({node.op_type for node in case.model.graph.node}))
    refused = ""
    for constants in (False, True):
        try:
            for inputs, outputs in case.data_sets:
                _run(case, inputs, outputs, constants)
            return Outcome(case.name, operators, constants)
        except SmidgenError as error:
            refused = refused if constants and not _wants_constants(refused) else str(error).splitlines()[0]
        except AssertionError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            return Outcome(case.name, operators, constants, wrong="; ".join(lines[:3]))
    return Outcome(case.name, operators, True, refused=refused.removeprefix("model.onnx: "))


def _wants_constants(refused: str) -> bool:
    return not refused or "run time" in refused


def _run(case: TestCase, inputs: list, outputs: list, constants: bool) -> None:
    model = ModelProto()
    model.CopyFrom(case.model)
    feeds = dict(zip((info.name for info in model.graph.input), inputs, strict=True))
    if constants:
        for name in [*feeds][1:]:
            model.graph.initializer.append(numpy_helper.from_array(feeds.pop(name), name))
    images = channels_first_edges(model.graph)

    def in_layout(name: str, array: np.ndarray) -> np.ndarray:
        """As the graph has it: images channels last, whole numbers of 32 bits."""
        if name in images and array.ndim in (3, 4):
            array = np.ascontiguousarray(np.moveaxis(array, 1, -1))
        return array.astype(np.int32) if array.dtype == np.int64 else array

    graph = importer.load(model.SerializeToString(), Path("model.onnx"))
    with np.errstate(all="ignore"):
        result = Reference(graph).run([in_layout(name, array) for name, array in feeds.items()])
    for info, ours, theirs in zip(model.graph.output, result.outputs, outputs, strict=True):
        wanted = in_layout(info.name, theirs)
        assert (ours.shape, ours.dtype) == (wanted.shape, wanted.dtype), "other shape or type"
        np.testing.assert_allclose(ours, wanted, rtol=case.rtol, atol=case.atol)


def outcomes(names: Iterable[str] | None = None) -> Iterator[Outcome]:
    """Of every test that counts."""
    return (outcome(case) for case in cases(names) if is_claimed(case))


def summary(all_outcomes: list[Outcome]) -> str:
    """Counts, and every test that did not pass."""
    passed = [one for one in all_outcomes if one.passed]
    failed = [one for one in all_outcomes if not one.passed]
    operators = Counter(name for one in passed for name in one.operators if name in importer.SUPPORTED)
    untested = sorted({*importer.SUPPORTED} - {*operators})
    written_out = [one for one in all_outcomes if "_expanded" in one.name]
    themselves = [one for one in all_outcomes if one not in written_out]
    lines = [
        f"operators claimed: {len(importer.SUPPORTED)}",
        f"    without a passing test: {', '.join(untested) or 'none'}",
        f"tests counted: {len(all_outcomes)}, passed: {_share(all_outcomes)}",
        f"    of operators themselves: {_share(themselves)}",
        f"    of operators written out in simpler ones (..._expanded...): {_share(written_out)}",
        f"    passed with inputs but the first as constants: {sum(one.constants for one in passed)}",
        f"refused: {sum(bool(one.refused) for one in failed)}",
        *(f"    {one.name}: {one.refused}" for one in failed if one.refused),
        f"wrong: {sum(bool(one.wrong) for one in failed)}",
        *(f"    {one.name}: {one.wrong}" for one in failed if one.wrong),
    ]
    return "\n".join(lines)


def _share(some: list[Outcome]) -> str:
    passed = sum(one.passed for one in some)
    return f"{passed} of {len(some)}" + (f" ({100 * passed / len(some):.1f} %)" if some else "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx_nodes", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome as JSON")
    options = parser.parse_args()
    found = list(outcomes())
    print(summary(found))
    if options.json:
        records = [{**vars(one), "passed": one.passed} for one in found]
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    return 0 if all(not one.wrong for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
