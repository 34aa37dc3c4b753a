"""Requests to a model, writing, favourites: equalities between requests rather than the look of a picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gan_core import explore, library
from gan_core.config import UserError
from gan_core.data import DIGITS, FASHION
from gan_core.explore import (
    Anchor,
    GridRequest,
    InterpolationRequest,
    SampleRequest,
    TableRequest,
    WritingRequest,
    nearest_conditional,
    pictures,
)
from gan_core.favourites import Favourite, delete_favourite, favourites_dir, list_favourites, save_favourite
from gan_core.latent import MODES
from gan_core.layers import LabelEmbedding
from gan_core.runs import runs_dir
from gan_core.writing import DigitsRequest, can_write, read_text, write
from tests.untrained import save_untrained


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs and uploads go; no shipped weights, so that a test sees its own models alone."""
    monkeypatch.setattr(library, "WEIGHTS_DIR", tmp_path / "no-weights")
    return runs_dir()


@pytest.fixture
def digits(runs: Path) -> str:
    return save_untrained(runs, "digits")


def same(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.array_equal(first, second))


def test_weights_of_classes_mix_their_embeddings() -> None:
    layer = LabelEmbedding(5, 7)
    labels = torch.tensor([3, 0, 4])
    one_hot = nn.functional.one_hot(labels, 5).float()
    assert torch.equal(layer(labels), layer(one_hot))
    halves = (layer.weight[3] + layer.weight[0]) / 2
    assert torch.allclose(layer(torch.tensor([[0.5, 0, 0, 0.5, 0]])), halves[None])


def test_the_label_layer_starts_and_is_stored_as_torchs_embedding() -> None:
    torch.manual_seed(1)
    ours = LabelEmbedding(10, 100)
    torch.manual_seed(1)
    torchs = nn.Embedding(10, 100)
    assert list(ours.state_dict()) == list(torchs.state_dict())
    assert torch.equal(ours.weight, torchs.weight)


def test_a_picture_is_the_same_in_every_request(digits: str) -> None:
    row = pictures(SampleRequest(digits, seed=5, count=40, labels=(7,)))
    assert row.shape == (40, 28, 28) and row.dtype == np.uint8
    assert same(pictures(SampleRequest(digits, seed=5, count=3, labels=(7,), first=36)), row[36:39])
    table = pictures(TableRequest(digits, seed=5, hands=4)).reshape(4, 10, 28, 28)
    assert same(table[:, 7], row[:4])
    written = pictures(WritingRequest(digits, (7, 1, 7), seed=5, hand=2, variation=0.0))
    assert same(written[0], row[2]) and same(written[2], row[2])
    way = pictures(InterpolationRequest(digits, (Anchor(5, 1, 7), Anchor(5, 3, 7)), frames=7))
    assert same(way[0], row[1]) and same(way[-1], row[3])


def test_the_answer_is_remembered_and_cannot_be_spoilt(digits: str) -> None:
    first = pictures(SampleRequest(digits))
    assert pictures(SampleRequest(digits)) is first
    with pytest.raises(ValueError):
        first[0] = 0


def test_new_weights_under_the_same_name_are_noticed(runs: Path, digits: str) -> None:
    before = pictures(SampleRequest(digits))
    save_untrained(runs, "digits", "dcgan")
    assert not same(pictures(SampleRequest(digits)), before)


@pytest.mark.parametrize("mode", MODES)
def test_between_two_classes_the_ends_are_those_classes(digits: str, mode: str) -> None:
    way = pictures(InterpolationRequest(digits, (Anchor(1, 0, 3), Anchor(1, 0, 8)), frames=9, mode=mode))
    ends = pictures(SampleRequest(digits, seed=1, count=1, labels=(3,))), pictures(
        SampleRequest(digits, seed=1, count=1, labels=(8,))
    )
    assert same(way[0], ends[0][0]) and same(way[-1], ends[1][0])
    assert not same(way[4], way[0]) and not same(way[4], way[-1])


def test_a_closed_way_can_be_played_for_ever(digits: str) -> None:
    stations = tuple(Anchor(seed, 0, 1) for seed in (1, 2, 3))
    ring = pictures(InterpolationRequest(digits, stations, frames=12, closed=True))
    open_way = pictures(InterpolationRequest(digits, stations, frames=9))
    assert same(ring[:9], open_way)


def test_a_grid_has_its_corners(digits: str) -> None:
    corners = tuple(Anchor(seed, 0, seed) for seed in (1, 2, 3, 4))
    grid = pictures(GridRequest(digits, corners, rows=3, columns=5))
    for cell, corner in zip((0, 4, 10, 14), corners, strict=True):
        assert same(grid[cell], pictures(SampleRequest(digits, corner.seed, 1, (corner.label,)))[0])


def test_an_unconditional_model_needs_no_labels_and_takes_none(runs: Path) -> None:
    ref = save_untrained(runs, "free", "fc_gan")
    way = pictures(InterpolationRequest(ref, (Anchor(1, 0, 3), Anchor(2, 0, 8)), frames=5))
    assert same(way[0], pictures(SampleRequest(ref, seed=1, count=1))[0])
    for request in (WritingRequest(ref, (1,)), TableRequest(ref)):
        with pytest.raises(UserError, match="without labels"):
            pictures(request)


def test_liveliness_changes_the_hand_but_not_the_text(digits: str) -> None:
    alike = pictures(WritingRequest(digits, (1, 1, 1), variation=0.0))
    lively = pictures(WritingRequest(digits, (1, 1, 1), variation=0.5))
    assert same(alike[0], alike[1]) and not same(lively[0], lively[1])
    assert same(pictures(WritingRequest(digits, (1,), variation=0.5))[0], lively[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda ref: SampleRequest(ref, labels=(10,)),
        lambda ref: InterpolationRequest(ref, (Anchor(label=-1), Anchor())),
        lambda ref: InterpolationRequest(ref, (Anchor(),)),
        lambda ref: InterpolationRequest(ref, (Anchor(), Anchor()), frames=1),
        lambda ref: InterpolationRequest(ref, (Anchor(), Anchor()), mode="zigzag"),
        lambda ref: GridRequest(ref, (Anchor(), Anchor())),
        lambda ref: SampleRequest(ref, count=100_000),
        lambda ref: SampleRequest("upload:gone"),
    ],
)
def test_a_wrong_request_is_one_sentence(digits: str, make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError):
        pictures(make(digits))


def test_the_nearest_conditional_model_shares_the_data(runs: Path) -> None:
    free = save_untrained(runs, "free", "dcgan")
    assert nearest_conditional(free) is None
    save_untrained(runs, "clothes", class_names=FASHION, dataset="fashion_mnist")
    assert nearest_conditional(free).ref == "upload:clothes"  # type: ignore[union-attr]
    save_untrained(runs, "digits")
    (runs / ".uploads" / "broken.safetensors").write_bytes(b"nonsense")
    assert nearest_conditional(free).ref == "upload:digits"  # type: ignore[union-attr]


def test_text_becomes_classes_marks_and_gaps() -> None:
    text = read_text(" ２1.11。2026 €a ٣ ", DIGITS)
    assert text.plain == "21.11.2026    3"
    assert text.labels(DIGITS) == (2, 1, 1, 1, 2, 0, 2, 6, 3)
    assert text.marks == (".",)
    assert text.left_out == ("€", "a")
    assert read_text("", DIGITS).labels(DIGITS) == ()
    assert can_write(DIGITS) and not can_write(FASHION) and not can_write(())


def test_written_text_has_its_digits_in_place(digits: str) -> None:
    one = write(DigitsRequest(digits, "7", seed=3, variation=0.0))
    assert same(one, pictures(WritingRequest(digits, (7,), seed=3, variation=0.0))[0])
    assert same(write(DigitsRequest(digits, "7", seed=3, variation=0.0, paper=True)), 255 - one)
    dated = write(DigitsRequest(digits, "21.11", variation=0.0))
    assert dated.shape[0] == 28 and dated.shape[1] > write(DigitsRequest(digits, "2111")).shape[1]
    assert write(DigitsRequest(digits, "12345678", columns=4)).shape[0] == 56


def test_a_text_without_digits_says_what_to_type(digits: str) -> None:
    with pytest.raises(UserError, match="0 1 2 3 4 5 6 7 8 9"):
        write(DigitsRequest(digits, "hello"))


def test_favourites_are_kept_used_and_forgotten(runs: Path) -> None:
    assert list_favourites() == []
    kept = save_favourite(Favourite("  a seven ", "cgan", seed=3, index=12, label=7))
    other = save_favourite(Favourite("零", "run:x@5", seed=0))
    assert list_favourites() == [kept, other] and kept.name == "a seven"
    (favourites_dir() / "0.json").write_text("not json")
    delete_favourite(kept.id)
    delete_favourite(kept.id)
    delete_favourite("../../etc/passwd")
    assert list_favourites() == [other]
    with pytest.raises(UserError, match="name"):
        save_favourite(Favourite("  ", "cgan", seed=1))


def test_each_way_of_mixing_has_a_name_and_a_sentence() -> None:
    assert set(explore.MODE_TITLES) == set(explore.MODE_HELP) == set(MODES)
