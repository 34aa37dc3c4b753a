"""The drawn digits: reproducible, like MNIST in their figures, tellable apart and not all alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from gan_core.strokes import draw_strokes

COUNT = 4000
Drawn = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw_strokes(COUNT, seed=0)


def centres_of_mass(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Rows and columns (2, n), counted by pixel centres from 0."""
    places = np.arange(28)
    ink = images.sum(axis=(1, 2), dtype=np.float64)
    return np.asarray(np.stack((images.sum(axis=2) @ places, images.sum(axis=1) @ places)) / ink)


def box_sides(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Heights and widths (2, n) of the ink."""
    filled = np.stack((images.any(axis=2), images.any(axis=1)))  # (2, n, 28)
    return np.asarray(28 - filled.argmax(axis=2) - filled[..., ::-1].argmax(axis=2))


def features_of(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The pictures at half size, as rows (n, 197) that end with a constant."""
    small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255
    return np.concatenate((small, np.ones((len(small), 1))), axis=1)


def test_shapes_and_types(drawn: Drawn) -> None:
    images, labels = drawn
    assert images.shape == (COUNT, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (COUNT,) and labels.dtype == np.uint8
    assert images.min() == 0 and images.max() == 255


@pytest.mark.parametrize("count", [0, 1, 10, 512, 513, 1300])
def test_a_smaller_set_is_the_beginning_of_a_larger_one(drawn: Drawn, count: int) -> None:
    images, labels = draw_strokes(count, seed=0)
    np.testing.assert_array_equal(images, drawn[0][:count])
    np.testing.assert_array_equal(labels, drawn[1][:count])


def test_seeds_differ(drawn: Drawn) -> None:
    images, labels = draw_strokes(200, seed=1)
    assert not (images == drawn[0][:200]).all(axis=(1, 2)).any()
    assert 0.02 < (labels == drawn[1][:200]).mean() < 0.2


def test_no_two_pictures_are_the_same(drawn: Drawn) -> None:
    assert len({picture.tobytes() for picture in drawn[0]}) == COUNT


def test_progress_counts_up_to_the_end() -> None:
    reports: list[tuple[int, int]] = []
    draw_strokes(1100, progress=lambda done, count: reports.append((done, count)))
    done = [report[0] for report in reports]
    assert done == sorted(set(done)) and len(done) > 1
    assert reports[-1] == (1100, 1100) and {count for _, count in reports} == {1100}


@pytest.mark.parametrize(("count", "seed"), [(-1, 0), (1, -1)])
def test_negative_requests_are_refused(count: int, seed: int) -> None:
    with pytest.raises(ValueError):
        draw_strokes(count, seed)


def test_labels_are_balanced(drawn: Drawn) -> None:
    counts = np.bincount(drawn[1], minlength=10)
    assert len(counts) == 10
    np.testing.assert_allclose(counts / COUNT, 0.1, atol=0.02)  # four standard deviations


def test_ink_has_the_figures_of_mnist(drawn: Drawn) -> None:
    """The expected figures are those of the 60,000 training pictures of MNIST."""
    images, labels = drawn
    means = images.mean(axis=(1, 2)) / 255
    assert means.mean() == pytest.approx(0.1307, abs=0.01)
    assert means.std() == pytest.approx(0.0433, abs=0.01)
    assert (images > 0).mean() == pytest.approx(0.191, abs=0.02)
    assert (images > 127).mean() == pytest.approx(0.133, abs=0.01)
    by_digit = np.array([means[labels == digit].mean() for digit in range(10)])
    mnist = [0.173, 0.076, 0.149, 0.142, 0.121, 0.129, 0.137, 0.115, 0.150, 0.123]
    np.testing.assert_allclose(by_digit, mnist, atol=0.03)


def test_ink_fills_the_box_of_mnist_and_stays_inside_the_frame(drawn: Drawn) -> None:
    images, labels = drawn
    heights, widths = box_sides(images)
    longest = np.maximum(heights, widths)
    assert longest.mean() == pytest.approx(20, abs=0.5)
    assert longest.min() >= 18 and longest.max() <= 23
    assert widths[labels == 1].mean() == pytest.approx(9.3, abs=1.5)
    assert widths[labels == 0].mean() == pytest.approx(18.0, abs=1.5)
    frame = np.ones((28, 28), bool)
    frame[1:-1, 1:-1] = False
    assert (images[:, frame].max(axis=1) > 127).mean() < 0.01


def test_pictures_are_centred_on_their_mass(drawn: Drawn) -> None:
    centres = centres_of_mass(drawn[0])
    np.testing.assert_allclose(centres.mean(axis=1), 14, atol=0.1)
    np.testing.assert_allclose(centres.std(axis=1), 0.29, atol=0.12)
    assert np.abs(centres - 14).max() < 2


def test_digits_can_be_told_apart_but_not_trivially(drawn: Drawn) -> None:
    """Ridge regression on half-size pictures reads most fresh digits, and stumbles over some hands."""
    images, labels = drawn
    features = features_of(images[:3000])
    targets = np.eye(10)[labels[:3000]]
    weights = np.linalg.solve(features.T @ features + 10 * np.eye(features.shape[1]), features.T @ targets)
    fresh, truth = draw_strokes(1000, seed=77)
    right = (features_of(fresh) @ weights).argmax(axis=1) == truth
    assert 0.80 < right.mean() < 0.99
    assert all(right[truth == digit].mean() > 0.6 for digit in range(10))


def test_pictures_of_one_digit_vary(drawn: Drawn) -> None:
    images, labels = drawn
    for digit in range(10):
        own = images[labels == digit] / 255
        assert 15 < own.var(axis=0).sum() < 60  # MNIST: 22 for the ones, 38 to 51 for the others
        between = np.square(own[:100, None] - own[None, :100]).sum(axis=(2, 3))  # (100, 100)
        assert between[~np.eye(100, dtype=bool)].min() > 1
