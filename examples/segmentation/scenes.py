"""Synthetic hyperspectral driving scenes: cubes of 25 bands and label maps, drawn from a seed.

No camera has seen them. A scene is a road with markings between verges, trees and buildings under a sky,
with vehicles on it. Each material has a spectrum from 600 to 975 nm that varies from place to place; light,
shadow, the camera's blur (which mixes the spectra of neighbours) and noise make pixels out of it. Places that
two materials share are unlabelled, as people leave them when they label pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BANDS = 25
HEIGHT, WIDTH = 48, 96
WAVELENGTHS = np.linspace(600, 975, BANDS)  # nm

# Of HSI-Drive's labels those that are drawn here: 0 is unlabelled.
ROAD, MARKS, VEGETATION, PAINTED_METAL, SKY, CONCRETE, GLASS = 1, 2, 3, 4, 5, 6, 10
_FINE = 2  # pixels are drawn so many times finer each way than they are seen
_FULL_SCALE = 4095  # of the camera's 12 bits


def synthetic_scenes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cubes float32 (count, HEIGHT, WIDTH, BANDS), in counts of the camera, and labels uint8."""
    scenes = [_Scene(np.random.default_rng([seed, index])).seen() for index in range(count)]
    return np.stack([cube for cube, _ in scenes]), np.stack([labels for _, labels in scenes])


@dataclass(frozen=True)
class _Material:
    """level: the mean reflectance; slope: its change over the range; edge: the size of a step up at `at` nm;
    texture: how much it varies from place to place."""

    level: float
    slope: float = 0.0
    edge: float = 0.0
    at: float = 715.0
    texture: float = 0.1

    def spectrum(self) -> np.ndarray:
        position = (WAVELENGTHS - 600) / 375
        step = 1 / (1 + np.exp(-(WAVELENGTHS - self.at) / 12))
        return self.level * (1 + self.slope * (position - 0.5)) + self.edge * step


class _Scene:
    """Draws from the far to the near, each thing over what is behind it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        shape = (HEIGHT * _FINE, WIDTH * _FINE)
        self.rows, self.columns = (axis.astype(float) for axis in np.indices(shape))
        self.horizon = shape[0] * rng.uniform(0.32, 0.48)
        self.vanishing = shape[1] * rng.uniform(0.35, 0.65)
        self.bend = shape[1] * rng.normal(0, 0.08)
        self.half_road = shape[1] * rng.uniform(0.3, 0.5)  # at the lower edge
        self.labels = np.zeros(shape, np.uint8)
        # Of each place the number of its spectrum, how much of it is reflected, and the share of sunlight.
        self.spectra: list[np.ndarray] = []
        self.spectrum = np.zeros(shape, int)
        self.texture = np.ones(shape, np.float32)
        self.shade = np.ones(shape, np.float32)
        # 0 at the horizon, 1 at the lower edge.
        self.near = np.clip((self.rows - self.horizon) / (shape[0] - self.horizon), 0, 1)
        self._draw()

    def seen(self) -> tuple[np.ndarray, np.ndarray]:
        """The cube and its labels, at the camera's resolution."""
        rng = self.rng
        # Sunlight: oxygen and water take their bands out of it; the colour follows the sun's height.
        oxygen = 1 - 0.35 * np.exp(-(((WAVELENGTHS - 762) / 9) ** 2))
        water = 1 - rng.uniform(0.2, 0.5) * np.exp(-(((WAVELENGTHS - 940) / 20) ** 2))
        light = oxygen * water * (1 + rng.uniform(-0.3, 0.3) * (WAVELENGTHS - 787) / 187)
        # Shadows get the sky's light, which has less of the long wavelengths.
        skylight = (700 / WAVELENGTHS) ** 2
        lit, shaded = (np.float32(self.spectra) * np.float32(one) for one in (light, light * 0.25 * skylight))
        sun, sky = self.texture * self.shade, self.texture * (1 - self.shade)
        radiance = lit[self.spectrum] * sun[..., None] + shaded[self.spectrum] * sky[..., None]
        radiance = _blurred(radiance).reshape(HEIGHT, _FINE, WIDTH, _FINE, BANDS).mean(axis=(1, 3))
        sensitivity = 1.1 - 0.8 * ((WAVELENGTHS - 700) / 275) ** 2 * (WAVELENGTHS > 700)
        exposure = rng.uniform(0.5, 0.9) / np.quantile(radiance, 0.98)
        counts = radiance * sensitivity * exposure * _FULL_SCALE
        counts = counts + rng.normal(0, 1, counts.shape) * np.sqrt(10.0**2 + 0.6 * counts)
        places = self.labels.reshape(HEIGHT, _FINE, WIDTH, _FINE)
        low, high = places.min(axis=(1, 3)), places.max(axis=(1, 3))
        return (
            np.clip(np.rint(counts), 0, _FULL_SCALE).astype(np.float32),
            np.where(low == high, low, 0).astype(np.uint8),
        )

    def _draw(self) -> None:
        rng = self.rng
        self._sky()
        for _ in range(rng.integers(0, 4)):
            self._building()
        for _ in range(rng.integers(2, 7)):
            self._tree()
        ground = self.rows >= self.horizon
        self._paint(ground, VEGETATION, _Material(0.07, 0.2, rng.uniform(0.2, 0.4), texture=0.3))
        side = self._across()
        if rng.random() < 0.5:  # a pavement on one side
            pavement = ground & (side * rng.choice((-1, 1)) > 1) & (np.abs(side) < 1.35)
            self._paint(pavement, CONCRETE, _Material(rng.uniform(0.25, 0.35), 0.25))
        self._paint(ground & (np.abs(side) < 1), ROAD, _Material(rng.uniform(0.08, 0.16), 0.3, texture=0.12))
        self._markings(ground, side)
        for _ in range(rng.integers(0, 3)):  # shadows of what the picture does not show
            start, slope = rng.uniform(-0.5, 1.5) * self.rows.shape[1], rng.uniform(-1, 1)
            band = np.abs(self.columns - start - slope * (self.rows - self.horizon))
            self.shade[ground & (band < rng.uniform(5, 27))] = rng.uniform(0.1, 0.4)
        depths = np.sort(rng.uniform(0.06, 0.75, rng.integers(0, 4)))
        for depth in depths:
            self._vehicle(depth)

    def _across(self) -> np.ndarray:
        """Where a place lies across the road: -1 and 1 are its edges."""
        middle = self.vanishing + self.bend * (1 - self.near) ** 2
        middle = middle + (self.rows.shape[1] / 2 - self.vanishing) * self.near
        return (self.columns - middle) / np.maximum(self.half_road * self.near, 1e-6)

    def _sky(self) -> None:
        cloud = self.rng.uniform(0, 1)
        blue = _Material(0.6, -1.1 * (1 - cloud), texture=0.02 + 0.1 * cloud)
        self._paint(self.rows < self.horizon, SKY, blue, smooth=20)

    def _building(self) -> None:
        rng = self.rng
        left, width = rng.uniform(-0.1, 0.95), rng.uniform(0.1, 0.3)
        top = self.horizon * rng.uniform(0.2, 0.8)
        along = self.columns / self.rows.shape[1]
        inside = (along > left) & (along < left + width)
        inside &= (self.rows > top) & (self.rows < self.horizon + 4)
        wall = _Material(rng.uniform(0.2, 0.45), rng.uniform(0.1, 0.8), texture=0.08)
        self._paint(inside, CONCRETE, wall)
        window = ((self.rows - top) % 9 > 5) & (self.columns % 8 > 4)
        self._paint(inside & window & (self.rows < self.horizon - 3), GLASS, _Material(0.05, -0.3))

    def _tree(self) -> None:
        rng = self.rng
        x, size = rng.uniform(0, self.rows.shape[1]), rng.uniform(0.15, 0.6) * self.horizon
        y = self.horizon - 0.5 * size
        wave = 1 + 0.2 * np.sin(rng.uniform(0.15, 0.6) * self.columns + rng.uniform(0, 6))
        inside = ((self.columns - x) / (0.8 * size)) ** 2 + ((self.rows - y) / (0.7 * size)) ** 2 < wave
        leaves = _Material(rng.uniform(0.04, 0.08), 0.2, rng.uniform(0.25, 0.55), texture=0.35)
        self._paint(inside & (self.rows < self.horizon + 7), VEGETATION, leaves)

    def _markings(self, ground: np.ndarray, side: np.ndarray) -> None:
        rng = self.rng
        width, paint = rng.uniform(0.03, 0.045), _Material(rng.uniform(0.45, 0.65), 0.0, texture=0.15)
        distance = 1 / np.maximum(self.near, 0.02)
        dashed = (distance * rng.uniform(1.2, 2.0) + rng.uniform(0, 1)) % 1 < 0.55
        lines = (np.abs(side) < width) & dashed
        if rng.random() < 0.8:
            lines |= np.abs(np.abs(side) - 0.88) < width
        if rng.random() < 0.2:  # a crossing
            at = rng.uniform(0.3, 0.7)
            lines |= (np.abs(self.near - at) < 0.09) & (np.abs(side) < 0.8) & (side % 0.25 < 0.13)
        self._paint(ground & lines & (self.near > 0.02), MARKS, paint)

    def _vehicle(self, depth: float) -> None:
        """depth: 0 at the horizon, 1 at the lower edge, where it stands on the road."""
        rng = self.rng
        bottom = self.horizon + depth * (self.rows.shape[0] - self.horizon)
        width = self.half_road * depth * rng.uniform(0.55, 0.75) + 2
        height = width * rng.uniform(0.7, 1.1)
        row = min(int(bottom), self.rows.shape[0] - 1)
        lane = rng.choice((-0.5, 0.5)) + rng.normal(0, 0.05)
        x = self.columns[row][np.argmin(np.abs(self._across()[row] - lane))]
        across, up = np.abs(self.columns - x) / (width / 2), (bottom - self.rows) / height
        self.shade[(across < 1.15) & (np.abs(up) < 0.08)] = 0.1
        paint = _Material(
            rng.choice((0.06, 0.3, 0.6)) * rng.uniform(0.8, 1.2), rng.uniform(-0.6, 0.6),
            rng.choice((0.0, 0.0, 0.25)), rng.uniform(640, 900), 0.05,
        )  # fmt: skip
        body = (across < 1 - 0.35 * np.clip(up - 0.5, 0, 1)) & (up > 0.08) & (up < 1)
        self._paint(body, PAINTED_METAL, paint)
        self._paint(body & (across < 0.75) & (up > 0.6) & (up < 0.9), GLASS, _Material(0.04, -0.3))

    def _paint(self, where: np.ndarray, label: int, material: _Material, smooth: int = 2) -> None:
        self.labels[where], self.shade[where] = label, 1
        self.spectrum[where] = len(self.spectra)
        self.spectra.append(material.spectrum())
        coarse = [-(-size // smooth) for size in where.shape]
        noise = self.rng.normal(0, 1, coarse).repeat(smooth, 0).repeat(smooth, 1)
        varied = 1 + material.texture * noise[: where.shape[0], : where.shape[1]]
        self.texture[where] = np.maximum(varied[where], 0.1)


def _blurred(cube: np.ndarray) -> np.ndarray:
    """The point spread of lens and sensor: each pixel sees some of its neighbours."""
    for axis in (0, 1):
        before, after = np.roll(cube, _FINE, axis), np.roll(cube, -_FINE, axis)
        cube = 0.7 * cube + 0.15 * (before + after)
    return cube
