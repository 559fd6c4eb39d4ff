"""How the benchmarks train a network, float and quantized alike: chosen on images that no report sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.pictures import Data, load_cifar10, load_wake_words
from smidgen.graph import Graph
from smidgen.report.progress import track
from smidgen.train.augment import Augmentation

IMAGES = 40_000  # of CIFAR-10, so that three seeds take less than three hours on two cores
EPOCHS = 4
MOST_EPOCHS = 8
DISTILLATION = 0.5
STATE = Path("build/training")  # where trainings are kept, which other benchmarks go on from
_THREADS = 2


@dataclass(frozen=True)
class Setting:
    """load: of a folder, how many images to know, and how many to hold back; development: how many that is
    when something is to be chosen; float_rate, narrow_rate: learning rates of the float model and of one with
    narrow weights; float_distillation: the share of the given model's answers in the float model's loss."""

    load: Callable[[Path, int, int], Data]
    development: int
    batch: int
    augmentation: Augmentation
    float_rate: float
    narrow_rate: float
    float_distillation: float


SETTINGS = {
    "vww": Setting(
        lambda folder, images, held_back: load_wake_words(folder, held_back),
        600,
        32,
        Augmentation(True),
        5e-4,
        1e-3,
        0.5,
    ),
    "ic": Setting(load_cifar10, 5000, 64, Augmentation(True, 2), 1e-3, 2e-3, 0.0),
}


@dataclass(frozen=True)
class Trained:
    """unquantized: the float model after all epochs; start: what post-training quantization gave after half
    of them; ours: that, trained for the other half with the bits that it has."""

    unquantized: Graph
    start: Graph
    ours: Graph


def train(
    name: str,
    given: Graph,
    data: Data,
    quantized: Callable[[Graph], Graph],
    *,
    epochs: int,
    seed: int,
    rate: float,
    state: Path,
    what: str,
) -> Trained:
    """Train in float and with few bits, on all that is known, going on where a training was stopped.

    quantized: post-training quantization; rate: the learning rate with few bits; state: the folder for what
    trainings have reached; what: names these bits there and to the user.
    """
    setting, early = SETTINGS[name], epochs // 2
    tune = partial(_tune, setting=setting, data=data, seed=seed, prefix=f"{state}/{name}")
    in_float = partial(tune, given, given, rate=setting.float_rate, share=setting.float_distillation)
    unquantized = in_float(epochs=epochs, what="float")
    start = quantized(in_float(epochs=early, what="float"))
    ours = tune(unquantized, start, rate=rate, share=DISTILLATION, epochs=epochs - early, what=what)
    return Trained(unquantized, start, ours)


def _tune(
    teacher: Graph,
    student: Graph,
    setting: Setting,
    data: Data,
    seed: int,
    prefix: str,
    rate: float,
    share: float,
    epochs: int,
    what: str,
) -> Graph:
    import tensorflow as tf

    from smidgen.train.qat import Options, fine_tune

    tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return fine_tune(
        teacher,
        student,
        data.known,
        data.known_labels,
        epochs=epochs,
        seed=seed,
        options=Options(setting.batch, rate, share, augmentation=setting.augmentation),
        state=Path(f"{prefix}-{what}-{seed}-{len(data.known)}x{epochs}-{rate:g}.npz"),
        track=lambda items, text: track(items, f"{text}, {what}, seed {seed}"),
    )
