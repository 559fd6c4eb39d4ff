"""Spoken digits as the features that MLPerf Tiny's keyword model takes.

The keyword inputs may only be reported on, so what the model is quantized with comes from other recordings:
the Free Spoken Digit Dataset, 8 kHz. Features: mel-frequency cepstral coefficients of 30 ms windows every
20 ms at 16 kHz, as in mlcommons/tiny (TensorFlow's tf.signal, of which the formulas are).
"""

from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path

import numpy as np

_RATE, _WINDOW, _STRIDE, _FFT = 16_000, 480, 320, 512
_MELS, _COEFFICIENTS, _LOWEST, _HIGHEST = 40, 10, 20.0, 4000.0
_FLOOR = 1e-6  # added to energies before the logarithm
_NOISY, _LOUDEST = 0.8, 0.1  # share of the samples with noise, and its largest peak beside a peak of 1


def digit_features(archive_path: Path, count: int, seed: int) -> list[list[np.ndarray]]:
    """`count` recordings, each somewhere in a second, most in noise: samples of shape (1, 49, 10, 1)."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(archive_path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".wav"))
        chosen = rng.choice(len(names), count, replace=False)
        return [[_features(_second(archive.read(names[index]), rng))] for index in chosen]


def _second(content: bytes, rng: np.random.Generator) -> np.ndarray:
    with wave.open(io.BytesIO(content)) as file:
        factor = _RATE // file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    samples = np.interp(np.arange(0, len(samples), 1 / factor), np.arange(len(samples)), samples)[:_RATE]
    loudness = rng.uniform(0, _LOUDEST) if rng.random() < _NOISY else 0.0
    sound = loudness * _noise(rng)
    start = int(rng.integers(0, _RATE - len(samples) + 1))
    sound[start : start + len(samples)] += samples / np.abs(samples).max()
    return sound / np.abs(sound).max()


def _noise(rng: np.random.Generator) -> np.ndarray:
    """A second of white or pink noise with a peak of 1."""
    spectrum = np.fft.rfft(rng.normal(size=_RATE))
    if rng.random() < 0.5:
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    sound = np.fft.irfft(spectrum)
    return sound / np.abs(sound).max()


def _features(sound: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_STRIDE]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    energies = np.abs(np.fft.rfft(windows * hann, _FFT)) @ _mel_filters()
    angles = np.pi * (2 * np.arange(_MELS)[:, None] + 1) * np.arange(_COEFFICIENTS) / (2 * _MELS)
    cepstrum = np.log(energies + _FLOOR) @ (2 * np.cos(angles) / np.sqrt(2 * _MELS))
    return cepstrum.astype(np.float32)[None, :, :, None]


def _mel_filters() -> np.ndarray:
    """Triangles over the spectrum, (bins, mels); the constant part counts nowhere."""

    def mel(hertz):
        return 1127 * np.log1p(hertz / 700)

    bins = mel(np.linspace(0, _RATE / 2, _FFT // 2 + 1)[1:])[:, None]
    edges = np.linspace(mel(_LOWEST), mel(_HIGHEST), _MELS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.vstack([np.zeros((1, _MELS)), np.maximum(0, np.minimum(rising, falling))])
