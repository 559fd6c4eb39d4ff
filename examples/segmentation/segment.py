"""Segmentation of hyperspectral driving scenes: a U-Net trained, its channels pruned, quantized, and run.

    python examples/segmentation/segment.py [--target midge] [--data FOLDER]

Without --data the scenes are synthetic (see scenes.py); with it they are those of HSI-Drive, or of whatever
lies there in its layout (see hsi_drive.py). Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import keras
import network
import numpy as np
from hsi_drive import load
from picture import Measured, write_page
from pipelined import run_pipeline
from preparation import Preparation
from scenes import CONCRETE, MARKS, PAINTED_METAL, ROAD, SKY, VEGETATION, synthetic_scenes
from scores import Scores

from smidgen.compile.divide import divide
from smidgen.compile.external import specs_of
from smidgen.compile.kernels.npu import NPU
from smidgen.compress.batches import BatchReference
from smidgen.compress.prune_channels import Rounds, Shares, size
from smidgen.compress.quantize import equalize, gather, quantize, reconstruct
from smidgen.errors import SmidgenError
from smidgen.exporters.tflite import save_tflite
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.report.progress import track
from smidgen.run.running import run_all
from smidgen.run.session import open_session
from smidgen.train.prune import prune

# Classes of the network, and the labels of the data set that count as each; others are "other".
CLASSES = {
    "road": ROAD, "road marks": MARKS, "vegetation": VEGETATION, "painted metal": PAINTED_METAL, "sky": SKY,
}  # fmt: skip
OTHER = range(CONCRETE, 11)
NAMES = (*CLASSES, "other")
# Channels of the output: the engine computes four at once, so there are two that mean nothing.
OUTPUTS = 8
LEFT = Shares(parameters=0.1, operations=0.3, multiple=4)
TRAINED, UNSEEN, CALIBRATED = 120, 40, 32


@dataclass(frozen=True)
class Scenes:
    """cubes: as the camera gives them; x: as the network takes them; y: the class of each pixel or -1."""

    cubes: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @property
    def samples(self) -> list[list[np.ndarray]]:
        return [[x[None]] for x in self.x]

    @property
    def mirrored(self) -> Scenes:
        """These, and each seen in a mirror."""
        both = (np.concatenate([one, one[:, :, ::-1]]) for one in (self.cubes, self.x, self.y))
        return Scenes(*both)


def classes_of(labels: np.ndarray) -> np.ndarray:
    table = np.full(11, -1)
    table[list(CLASSES.values())] = np.arange(len(CLASSES))
    table[list(OTHER)] = len(CLASSES)
    return table[labels]


def get_scenes(arguments: argparse.Namespace) -> tuple[Scenes, Scenes, Preparation]:
    """To train with, and to report on; and how their numbers become the network's."""
    if arguments.data is not None:
        known, unseen = load(arguments.data, "training"), load(arguments.data, "test", arguments.unseen)
    else:
        cubes, labels = synthetic_scenes(arguments.scenes + arguments.unseen, arguments.seed)
        known, unseen = (
            (cubes[part], labels[part]) for part in (slice(arguments.scenes), slice(arguments.scenes, None))
        )
    prepare = Preparation.of(known[0])
    first, second = (Scenes(cubes, prepare(cubes), classes_of(labels)) for cubes, labels in (known, unseen))
    return first, second, prepare


def trained(known: Scenes, arguments: argparse.Namespace) -> Graph:
    path = arguments.output / "unet.keras"
    if not (arguments.keep and path.is_file()):
        net = network.build(known.x.shape[1:], OUTPUTS, arguments.filters)
        pictures = known.mirrored
        network.train(net, pictures.x, pictures.y, arguments.epochs)
        net.save(path)
    return load_model(path)


def answers(graph: Graph, scenes: Scenes, text: str) -> np.ndarray:
    """The class of each pixel, by the reference."""
    return best(BatchReference(graph).outputs(scenes.samples, track, text)[0])


def best(outputs: np.ndarray) -> np.ndarray:
    """The class with the largest output, among those that there are."""
    return outputs[..., : len(NAMES)].argmax(axis=-1)


def integer_model(pruned: Graph, known: Scenes) -> Graph:
    samples = known.samples[:CALIBRATED]
    bits = {node.id: 8 for node in pruned.nodes}
    teacher = equalize(pruned, samples, bits, track)
    return reconstruct(teacher, quantize(teacher, gather(teacher, samples, track), 8, "mse"), samples, track)


def main(given: list[str] | None = None) -> int:
    arguments = options(given)
    try:
        return run(arguments)
    except SmidgenError as error:
        print(error)
        return 1


def run(arguments: argparse.Namespace) -> int:
    keras.utils.set_random_seed(arguments.seed)
    arguments.output.mkdir(parents=True, exist_ok=True)
    known, unseen, prepare = get_scenes(arguments)
    kind = "synthetic scenes" if arguments.data is None else f"scenes of {arguments.data}"
    print(f"{len(known.x)} {kind} to train with, {len(unseen.x)} to report on, {unseen.x.shape[1:]} each")

    graph = trained(known, arguments)
    pictures = known.mirrored
    rounds = Rounds(arguments.rounds, arguments.round_epochs, arguments.last_epochs, 8, 3e-3, balanced=True)
    pruned = prune(
        graph, pictures.samples, pictures.y, LEFT, rounds,
        seed=arguments.seed, state=arguments.output / "training", track=track,
    )  # fmt: skip
    before, after = size(graph), size(pruned)
    print(
        f"parameters: {after.parameters:,} of {before.parameters:,} "
        f"({after.parameters / before.parameters:.1%}), operations: {after.operations:,} of "
        f"{before.operations:,} ({after.operations / before.operations:.1%})"
    )
    integer = integer_model(pruned, known)
    save_tflite(integer, arguments.output / "unet.tflite")

    taken = integer.tensor(integer.inputs[0])
    quantized = prepare.quantized(float(taken.scale), taken.zero_point, unseen.x[0].size)
    counts = prepare.counts(unseen.cubes)
    inputs = [[x[None]] for x in quantized(counts)]
    reference = BatchReference(integer).outputs(inputs, track, "running the integer reference")[0]
    answered = {
        "float": answers(graph, unseen, "running the float network"),
        "pruned": answers(pruned, unseen, "running the pruned network"),
        "int8": best(reference),
    }
    scores = {name: Scores.of(unseen.y, picture, OUTPUTS) for name, picture in answered.items()}
    for name, score in scores.items():
        print(f"{name}: mean IoU {100 * score.mean:.2f} %")

    pipeline, layers = None, []
    with open_session(integer, arguments.target) as session:
        result = session.result()
        if NPU in session.target.kernels and session.target.runner.kind == "verilator":
            layers = divide(session.plan, specs_of(session.target))
            pipeline = run_pipeline(
                session.bundle.folder, session.target, result.arena_bytes, quantized, counts[: arguments.run],
                reference[: arguments.run], len(NAMES), arguments.frames,
            )  # fmt: skip
            same, cycles = pipeline.same, round(pipeline.parts[1])
        else:
            runs = run_all(session.device, track(inputs[: arguments.run], f"running on {arguments.target}"))
            same = all(
                np.array_equal(one.outputs[0], want[None]) for one, want in zip(runs, reference, strict=False)
            )
            cycles = max((one.cycles for one in runs if one.cycles is not None), default=None)
    whether = "equal" if same else "NOT EQUAL"
    print(f"{arguments.target}: {arguments.run} scenes {whether} to the reference byte for byte")
    print(f"arena {result.arena_bytes:,} bytes" + (f", the network {cycles:,} cycles" if cycles else ""))
    if pipeline is not None:
        preparation, network, answer = (round(part) for part in pipeline.parts)
        print(f"core: {preparation:,} cycles before the network, {answer:,} after it; engine: {network:,}")
        print(
            f"a scene takes {pipeline.one_after_the_other:,.0f} cycles one after the other, "
            f"{pipeline.overlapped:,.0f} pipelined: {pipeline.gain:.2f} times as fast"
        )
    page = arguments.output / "report.html"
    measured = Measured(result, arguments.run, same, cycles, layers, pipeline)
    write_page(page, kind, NAMES, unseen, answered, scores, (graph, pruned), measured)
    print(f"the pictures beside the labels: {page}")
    return 0 if same else 1


def options(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", default="fpga-sim", help="where the network runs (default: fpga-sim)")
    parser.add_argument(
        "--data", type=Path, help="scenes in the layout of HSI-Drive, instead of synthetic ones"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("segmentation"), help="the folder for what is made"
    )
    parser.add_argument("--keep", action="store_true", help="go on with the float network that lies there")
    parser.add_argument("--run", type=int, default=2, help="how many scenes the target is given")
    parser.add_argument(
        "--frames", type=int, default=5, help="how many go through the pipeline, over and over"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=TRAINED, help="synthetic scenes to train with")
    parser.add_argument("--unseen", type=int, default=UNSEEN, help="scenes to report on")
    parser.add_argument("--filters", type=int, default=network.FILTERS, help="channels of the first level")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3, help="of pruning")
    parser.add_argument("--round-epochs", type=int, default=4, help="of training after each")
    parser.add_argument("--last-epochs", type=int, default=100, help="of training after the last")
    arguments = parser.parse_args(given)
    if arguments.run < 1 or arguments.frames < 3:
        parser.error("at least one scene must run, and three frames must go through the pipeline")
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
