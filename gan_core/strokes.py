"""Handwriting-like digits, drawn here from randomised pen strokes: no network, no file.

A digit is a skeleton of anchor points, written the way a hand moves. One picture is one skeleton with its anchors
shaken, joined by a spline, bent, slanted, scaled into MNIST's 20x20 box and inked with a pen of varying pressure. The
pictures follow MNIST's conventions (28x28, white on black, centred on the centre of mass), so that they can stand in
for it where it cannot be had.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Bytes = npt.NDArray[np.uint8]

_SIDE = 28
_INK_BOX = 19.1  # pixels; half of the soft edge lies outside it, and MNIST's box of 20 includes all of it

_CHUNK = 512  # pictures drawn at a time; bounds the memory
_SAMPLES = 97  # points along the pen's path, at most a pixel apart
_BLUR = np.float32(0.6)  # pixels; a wider kernel fills the crotches of the strokes, a narrower one shows the samples
_EDGE = np.float32(1.3)  # pixels from black to white
_GRAIN = np.float32(0.08)  # pixels; how rough that edge is
_PEN = np.float32(1.48)  # pixels; the median half-width for a path as long as its box

# A right-hander's slant, which is not the same in every digit: shift to the right per unit of height.
_SLANT = np.array([0.18, 0.22, 0.08, 0.06, 0.2, 0.14, 0.05, 0.06, 0.14, 0.12], np.float32)

# How each digit is written by several hands: (how often, path). Anchors are "x,y" on a page 100 high, y downwards;
# "!" makes the pen turn sharply at an anchor, ";" lifts it.
_HANDS: tuple[tuple[tuple[float, str], ...], ...] = (
    (
        (4.0, "52,2 24,12 8,50 22,88 48,98 76,86 90,48 76,12 48,3"),
        (3.0, "64,8 40,3 15,25 8,60 28,95 58,92 85,60 82,22 58,4 36,12"),
        (2.0, "38,12 14,38 10,70 35,97 70,88 88,50 76,12 46,2"),
        (1.0, "30,14 55,2 84,18 90,55 70,92 40,98 14,78 10,40 26,16 46,6"),
        (0.4, "55,5 25,12 8,50 25,92 55,97 85,75 88,35 65,6 45,14 70,20 94,8"),
        (1.5, "60,4 38,14 24,50 30,90 44,98 62,84 72,48 68,14 56,3"),
        (0.2, "52,2 24,12 8,50 22,88 48,98 76,86 90,48 76,12 48,3; 78,8 24,92"),
    ),
    (
        (8.0, "51,0 50,34 50,67 49,100"),
        (1.5, "46,0 51,30 52,65 47,100"),
        (1.0, "28,22 52,2! 51,50 50,100"),
        (0.5, "24,24 52,2! 51,50 50,97; 15,98 50,97 85,96"),
    ),
    (
        (3.0, "12,25 35,3 68,6 76,32 48,68 10,95! 50,94 92,92"),
        (3.0, "15,22 40,3 70,10 72,38 46,70 20,93 8,84 24,76 56,90 95,90"),
        (2.0, "14,28 30,5 62,2 78,25 60,55 32,80 8,96! 30,86 54,91 76,98 95,88"),
        (1.0, "10,14 40,3 74,8 70,34 40,62 8,92! 40,96 90,94"),
        (1.0, "18,22 42,4 62,16 56,46 36,78 20,92 12,80 36,78 64,86 92,92"),
        (1.0, "22,16 46,4 64,14 62,44 44,84 26,98 18,86 34,80 56,90 76,92"),
    ),
    (
        (4.0, "17,13 46,2 73,12 70,33 44,46! 72,56 80,77 56,98 11,88"),
        (2.0, "14,16 42,2 70,10 70,32 46,45 72,54 80,78 50,98 8,86"),
        (0.6, "12,5 45,5 78,4! 60,22 42,40! 74,50 84,74 54,98 10,90"),
        (1.5, "22,10 52,3 72,14 66,36 52,47! 72,58 74,82 50,98 18,92"),
        (1.0, "28,8 52,3 68,14 58,36 36,46! 66,54 68,80 46,98 16,94"),
        (1.0, "14,14 46,2 74,14 62,38 36,48 40,42 68,50 82,74 58,96 10,92"),
    ),
    (
        (3.0, "20,5 16,28 12,50! 45,50 85,46; 76,4 71,50 66,100"),
        (2.0, "24,3 15,35 22,52 48,54 90,46; 78,2 72,50 68,100"),
        (2.0, "64,100 67,50 70,2! 38,34 8,64! 50,63 95,60"),
        (2.0, "18,8 15,36 36,50 66,42 80,4! 74,50 66,100"),
        (2.0, "46,0 28,28 10,52! 50,50 92,44; 68,22 60,60 52,100"),
        (1.5, "24,8 26,34 42,46 60,32 70,4! 62,50 54,100"),
        (1.0, "28,4 22,40 28,62 54,58 84,48; 64,30 60,62 58,100"),
    ),
    (
        (3.0, "24,6 20,25 17,45! 52,38 82,60 74,88 42,99 8,88; 23,6 55,5 88,2"),
        (3.0, "88,3 58,4 28,5! 24,25 19,45! 54,38 84,60 72,90 40,99 8,88"),
        (1.5, "90,5 48,6 24,24 36,44 70,56 76,80 46,98 8,90"),
        (2.0, "34,14 28,30 20,46! 48,42 70,60 62,88 34,98 6,90; 32,13 64,11 100,2"),
        (1.0, "86,8 60,6 36,12! 34,30 36,44! 58,52 62,76 42,96 14,90"),
        (1.0, "32,12 26,34 20,54! 56,46 88,58 72,80 36,100; 34,12 60,10 92,3"),
    ),
    (
        (3.0, "66,2 36,25 14,62 28,95 62,94 78,74 58,54 30,62 16,80"),
        (2.0, "82,10 58,3 28,30 14,66 32,97 66,92 76,70 54,54 22,72"),
        (2.0, "46,0 26,38 16,76 36,98 66,90 70,66 46,58 18,76"),
        (1.5, "34,3 14,34 14,74 46,98 84,84 82,60 56,54 36,70 34,88"),
        (1.0, "58,2 42,30 32,66 38,96 60,90 64,70 50,60 36,76"),
        (1.0, "72,4 40,18 14,55 20,90 52,98 80,78 66,54 34,58 28,74 46,84"),
    ),
    (
        (4.0, "12,12 48,7 84,4! 65,48 48,100"),
        (1.5, "8,10 48,7 86,5! 66,48 46,100; 28,54 54,50 84,46"),
        (1.5, "10,28 13,8! 50,7 86,5! 68,48 52,100"),
        (1.5, "6,20 28,6 66,4 84,20 66,58 52,100"),
        (1.0, "14,32 18,12 46,5 72,12 72,40 62,70 56,100"),
        (1.0, "10,12 50,4 84,6! 72,30 50,60 38,100"),
    ),
    (
        (3.0, "76,14 48,2 22,18 42,44 74,64 78,88 46,99 18,82 36,56 70,32 78,12"),
        (2.0, "50,3 24,22 48,46 76,72 50,98 20,76 46,48 72,24 50,3"),
        (1.0, "50,2 24,12 28,36 50,46 74,34 74,12 50,2; 50,46 20,58 20,88 50,98 80,86 80,58 50,46"),
        (2.0, "64,10 46,4 36,22 48,46 60,70 50,97 34,82 44,54 62,28 66,12"),
        (1.0, "84,6 52,6 34,20 44,40 58,62 52,92 32,96 30,78 50,52 76,24"),
        (1.5, "92,8 56,4 22,18 42,44 70,64 66,92 34,98 20,78 46,52 76,30 92,6"),
    ),
    (
        (3.0, "76,16 46,3 14,26 32,50 66,38 78,10! 76,55 70,100"),
        (2.0, "70,20 48,2 24,24 36,50 60,42 72,14 74,52 62,88 30,96"),
        (2.0, "72,12 44,3 15,30 38,52 70,34 78,10 74,52 58,100"),
        (2.5, "66,16 46,6 28,24 40,40 60,30 70,12! 64,54 56,100"),
        (1.0, "78,20 48,4 18,26 36,48 68,36 78,12! 80,56 82,100"),
        (1.5, "80,8 46,4 14,26 30,48 64,36 82,6! 70,44 42,100"),
    ),
)


class _Skeletons(NamedTuple):
    """Every hand of every digit, padded to one size and stacked: H hands, A anchors, S samples of the pen's path."""

    anchors: Floats  # (H, A, 2), unit: page heights
    basis: Floats  # (H, S, A); basis @ anchors is the path
    inked: Floats  # (H, S - 1); 1 where the pen is down between two samples, 0 where it is lifted
    upto: npt.NDArray[np.float64]  # (H,); rises by 1 over the hands of a digit, in steps as wide as they are frequent


def draw_strokes(
    count: int, seed: int = 0, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Bytes, Bytes]:
    """Draw ``count`` labelled digits.

    Picture i of a seed is the same whatever ``count`` is, so that a larger set begins with the smaller one.

    Args:
        count: number of pictures, 0 or more.
        seed: 0 or more; other seeds give other pictures.
        progress: called as ``progress(done, count)`` whenever more pictures are ready.

    Returns:
        images: uint8 (count, 28, 28), white ink (255) on black (0).
        labels: uint8 (count,), the digits 0-9, drawn uniformly at random.

    Raises:
        ValueError: if count or seed is negative.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more, not {count}")
    uniform, normal, grain = np.random.default_rng(seed).spawn(3)
    skeletons = _skeletons()
    traits = 12 + 2 * skeletons.anchors.shape[1]
    images = np.empty((count, _SIDE, _SIDE), np.uint8)
    labels = np.empty(count, np.uint8)
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        # A picture takes its numbers from each stream in one row, so neither count nor _CHUNK changes its share.
        chance = uniform.random((size, 6), np.float32)
        trait = normal.standard_normal((size, traits), np.float32).clip(-2.4, 2.4)  # no freaks
        choice = 10 * chance[:, 0].astype(np.float64)  # the whole part is the digit, the rest says which hand
        label = choice.astype(np.uint8)
        hands = np.searchsorted(skeletons.upto, choice, side="right")
        path = _write(skeletons, hands, trait[:, 12:], trait[:, 0])
        path = _bend(path, _SLANT[label], trait[:, 1:9], chance[:, 1:3])
        dots, mass, width = _press(path, skeletons.inked[hands], trait[:, 9:12], chance[:, 3])
        dots = _centre(dots, mass * width, chance[:, 4:6])
        images[start : start + size] = _ink(dots, mass, width, grain.standard_normal((size, _SIDE, _SIDE), np.float32))
        labels[start : start + size] = label
        if progress is not None:
            progress(start + size, count)
    return images, labels


def _write(skeletons: _Skeletons, hands: Indices, shake: Floats, sloppiness: Floats) -> Floats:
    """The pen's path (n, S, 2), unit: page heights, through the anchors of hands (n,), shaken by normals (n, 2 A)."""
    strength = 0.024 * np.exp(0.35 * sloppiness)[:, None, None]
    anchors = skeletons.anchors[hands] + strength * shake.reshape(len(hands), -1, 2)  # (n, A, 2)
    path: Floats = skeletons.basis[hands] @ anchors
    return path


def _bend(path: Floats, slant: Floats, traits: Floats, phases: Floats) -> Floats:
    """The path (n, S, 2) in other proportions, bowed, rippled, slanted by about slant (n,) and turned a little.

    The traits are normals (n, 8), the phases uniforms (n, 2).
    """
    lean, turn, stretch, taper, rise, bow, ripple_x, ripple_y = traits.T[:, :, None]
    phase_x, phase_y = 2 * np.pi * phases.T[:, :, None]
    x, y = path[..., 0] - 0.5, path[..., 1] - 0.5  # (n, S)
    x = x * np.exp(0.2 * stretch) * (1 + 0.26 * taper * y) + 0.16 * bow * (0.25 - y * y)
    y = y + 0.16 * rise * (0.25 - y * y)
    x, y = x + 0.035 * ripple_x * np.sin(6 * y + phase_x), y + 0.035 * ripple_y * np.sin(5 * x + phase_y)
    x = x - (slant[:, None] + 0.23 * lean) * y
    cos, sin = np.cos(0.08 * turn), np.sin(0.08 * turn)
    return np.stack((cos * x - sin * y, sin * x + cos * y), axis=-1)


def _press(path: Floats, inked: Floats, traits: Floats, phase: Floats) -> tuple[Floats, Floats, Floats]:
    """Scale the path (n, S, 2) into the ink box and press a pen on it.

    The traits are normals (n, 3), the phase is uniform (n,). Returns, for D = S - 1 dots along the path, their
    places (n, D, 2), the lengths of path that they stand for (n, D) and the half-widths of the pen (n, D), in pixels.
    """
    size, nib, grip = traits.T[:, :, None]
    extent = (path.max(axis=1) - path.min(axis=1)).max(axis=1)[:, None]  # (n, 1)
    dx, dy = np.moveaxis(np.diff(path, axis=1), -1, 0)  # (n, D)
    length = np.hypot(dx, dy) + np.float32(1e-6)
    # A long path in the same box leaves less room between its strokes, so it takes a finer pen.
    pen = _PEN * np.exp(0.29 * size) * ((length * inked).sum(axis=1)[:, None] / extent) ** -0.18
    scale = (_INK_BOX - 2 * pen) / extent
    # The nib is broader across one direction than along it, and the hand presses in slow waves.
    across = (dx * np.cos(0.8 + 0.3 * grip) + dy * np.sin(0.8 + 0.3 * grip)) / length
    wave = np.sin(2 * np.pi * (np.linspace(0, 1.5, dx.shape[1], dtype=np.float32) + phase[:, None]))
    width = pen * (1 + 0.13 * wave + 0.12 * nib * (2 * across * across - 1))
    dots = (path[:, 1:] + path[:, :-1]) / 2 * scale[..., None]
    return dots, length * inked * scale, width


def _centre(dots: Floats, mass: Floats, shift: Floats) -> Floats:
    """The dots (n, D, 2) moved so that the centre of their mass (n, D) is the picture's.

    MNIST moves by whole pixels, which leaves a rest of up to half a pixel: the uniforms shift (n, 2) stand for it.
    """
    x, y = ((dots[..., k] * mass).sum(axis=1) / mass.sum(axis=1) for k in (0, 1))
    middle = _SIDE / 2 - 0.5 + shift  # pixels are counted by their centres, from 0
    centred: Floats = dots + (middle - np.stack((x, y), axis=1))[:, None]
    return centred


def _ink(dots: Floats, mass: Floats, width: Floats, grain: Floats) -> Bytes:
    """Pictures (n, 28, 28) of dots (n, D, 2) with their mass (n, D) and half-width (n, D), roughened by the grain.

    The logarithm of a sum of Gaussians along a line falls with the square of the distance from it, so that one matrix
    product a picture gives the distance of every pixel from the nearest stroke, softly joined where strokes meet.
    """
    pixels = np.arange(_SIDE, dtype=np.float32)
    spread = 2 * _BLUR * _BLUR
    columns, rows = (np.exp(np.square(dots[..., k, None] - pixels) / -spread) for k in (0, 1))  # (n, D, 28)
    rows *= (mass * np.exp(np.square(width) / spread) / np.sqrt(np.pi * spread))[..., None]
    density = rows.transpose(0, 2, 1) @ columns  # (n, 28, 28)
    excess = spread * np.log(density + np.float32(1e-12))  # half-width squared minus distance squared
    pen = width.mean(axis=1)[:, None, None]
    depth = pen - np.sqrt(np.maximum(pen * pen - excess, 0)) + _GRAIN * grain  # pixels; 0 on the edge of the ink
    ramp = np.clip(depth / _EDGE + 0.5, 0, 1)
    images: Bytes = (255 * ramp * ramp * (3 - 2 * ramp) + 0.5).astype(np.uint8)
    return images


@functools.cache
def _skeletons() -> _Skeletons:
    """The table of hands as arrays."""
    parsed = [_parse(path) for hands in _HANDS for _, path in hands]
    shares = [np.cumsum([often for often, _ in hands]) for hands in _HANDS]
    size = max(sum(len(points) for points, _ in strokes) for strokes in parsed)
    anchors = np.zeros((len(parsed), size, 2), np.float32)
    basis = np.zeros((len(parsed), _SAMPLES, size), np.float32)
    inked = np.ones((len(parsed), _SAMPLES - 1), np.float32)
    for row, strokes in enumerate(parsed):
        ends = np.cumsum([0.0] + [np.hypot(*np.diff(points, axis=0).T).sum() for points, _ in strokes])
        ends = np.rint(ends / ends[-1] * _SAMPLES).astype(int)  # each stroke has its share of the samples
        anchor = 0
        for (points, corners), (first, last) in zip(strokes, pairwise(ends), strict=True):
            used = slice(anchor, anchor + len(points))
            anchors[row, used] = points
            basis[row, first:last, used] = _spline(points, corners, last - first)
            inked[row, last - 1 : last] = 0
            anchor = used.stop
    return _Skeletons(anchors, basis, inked, np.concatenate([d + share / share[-1] for d, share in enumerate(shares)]))


def _parse(path: str) -> list[tuple[npt.NDArray[np.float64], list[int]]]:
    """The strokes of a path: points (P, 2), unit: page heights, and the indices of the corners among them."""
    strokes = []
    for stroke in path.split(";"):
        words = stroke.split()
        points = np.array([[float(v) for v in word.rstrip("!").split(",")] for word in words]) / 100
        strokes.append((points, [i for i, word in enumerate(words) if word.endswith("!")]))
    return strokes


def _spline(points: npt.NDArray[np.float64], corners: list[int], samples: int) -> npt.NDArray[np.float64]:
    """Weights (samples, P) of the points in an evenly sampled interpolating spline (three-point tangents)."""
    knots = np.concatenate(([0.0], np.hypot(*np.diff(points, axis=0).T).cumsum()))
    at = np.linspace(0, knots[-1], samples)
    unit = np.eye(len(points))
    weights = np.zeros((samples, len(points)))
    for first, last in pairwise([0, *corners, len(points) - 1]):
        tangents = np.zeros_like(unit)
        piece = slice(first, last + 1)
        tangents[piece] = np.gradient(unit[piece], knots[piece], axis=0, edge_order=1 if last - first == 1 else 2)
        for k in range(first, last):
            step = knots[k + 1] - knots[k]
            on = (at >= knots[k]) & (at <= knots[k + 1])
            t = ((at[on] - knots[k]) / step)[:, None]
            rest = 1 - t
            weights[on] = rest**2 * ((1 + 2 * t) * unit[k] + t * step * tangents[k])
            weights[on] += t**2 * ((1 + 2 * rest) * unit[k + 1] - rest * step * tangents[k + 1])
    return weights
