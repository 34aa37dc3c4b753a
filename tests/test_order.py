"""The order of an epoch: each picture once, the same from the same seed, and without a table where there are many."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gan_core import feed
from gan_core.datasets.dataset import Dataset
from gan_core.feed import Batches
from gan_core.order import scattered
from gan_core.seeds import stream_seed
from gan_core.trainer import Trainer
from tests.small import small_data, small_recipe

MANY = 3_000_017  # pictures, a prime, and more than an order is tabled of
FIRST = [1781692, 1395554, 1753633, 2988929, 108134, 2950539, 791846, 313129]  # of their order from seed 1


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 13, 64, 97, 100, 101, 1_000, 10_007, 65_536])
def test_each_picture_comes_once(count: int) -> None:
    for seed in (0, 1, 2**63 - 1):
        order = scattered(range(count), count, seed)
        assert order.dtype == torch.int64
        assert torch.equal(order.sort().values, torch.arange(count))


def test_a_place_has_its_picture_whatever_is_asked_with_it() -> None:
    whole = scattered(range(10_007), 10_007, 5)
    assert torch.equal(torch.cat([scattered(range(at, at + 1), 10_007, 5) for at in range(200)]), whole[:200])
    assert torch.equal(scattered(range(3_000, 3_064), 10_007, 5), whole[3_000:3_064])


def test_orders_follow_from_the_seed_and_differ_between_seeds() -> None:
    first = scattered(range(1_000), MANY, 1)
    assert torch.equal(first, scattered(range(1_000), MANY, 1))
    assert (first == scattered(range(1_000), MANY, 2)).sum() == 0
    assert first[:8].tolist() == FIRST, "runs that are resumed would go on in another order"


def test_an_order_is_spread_as_chance_spreads_it() -> None:
    """Against what 64 equal parts of the set expect of 100,000 draws, for pictures and for steps between neighbours."""
    order = scattered(range(100_000), MANY, 3)
    for values in (order[::2], (order[1:] - order[:-1])[::2] % MANY):
        counts = torch.bincount(values * 64 // MANY, minlength=64).double()
        deviation = ((counts - counts.mean()).square() / counts.mean()).sum()  # χ², whose mean is 63, deviation 11
        assert 30 < deviation < 110


def test_few_pictures_come_in_the_order_they_always_had() -> None:
    """Runs of all earlier versions go on in it."""
    recipe = small_recipe("fc_gan")
    data = small_data(recipe)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    orders = [Batches(recipe, replace(data, resident=resident)).order(2) for resident in (True, False)]
    assert torch.equal(torch.get_rng_state(), before)
    source = torch.Generator().manual_seed(stream_seed(recipe.training.seed, "epoch 2"))
    known = torch.randperm(len(data), generator=source)
    assert all(torch.equal(order.flatten(), known[: order.numel()]) for order in orders)


def numbered(count: int) -> Dataset:
    """A mapped set whose pictures hold their number in two pixels."""
    places = torch.arange(count)
    images = torch.stack([places // 256, places % 256], 1).to(torch.uint8).view(count, 1, 1, 2)
    return Dataset("numbered", images, torch.zeros(count, dtype=torch.int16), ("0",), resident=False)


def seen(batches: Batches, first: int, count: int) -> list[int]:
    """The numbers of the pictures of so many batches."""
    recipe_range = batches.recipe.generator.pixel_range
    pictures = torch.cat([batches.at(batch)[0] for batch in range(first, first + count)]).flatten(1)
    pixels = ((pictures - recipe_range[0]) * 255 / (recipe_range[1] - recipe_range[0])).round().long()
    return (pixels @ torch.tensor([256, 1])).tolist()


def test_batches_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture once an epoch, in another order in the next; any batch by itself; ranks share what one would see."""
    monkeypatch.setattr(feed, "TABLE_PICTURES", 100)
    recipe, data = small_recipe("fc_gan", {"training.batch_size": 8}), numbered(1_000)
    batches = Batches(recipe, data)
    first, second = seen(batches, 0, 125), seen(batches, 125, 125)
    assert sorted(first) == sorted(second) == list(range(1_000)) and first != second
    assert seen(Batches(recipe, data), 130, 1) == second[40:48]
    shares = [seen(Batches(recipe, data, rank, 2), 3, 1) for rank in range(2)]
    assert shares[0] + shares[1] == first[24:32]
    assert seen(Batches(recipe.with_values({"training.seed": 9}), data), 0, 125) != first


class Largest(TorchDispatchMode):
    """Notes the most bytes that a tensor made within it holds."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, list | tuple) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.bytes = max(self.bytes, tensor.untyped_storage().nbytes())
        return made


def test_nothing_of_a_mapped_set_is_as_long_as_the_set() -> None:
    """From splitting off the held-out pictures to a step, no tensor and no array has even a byte for each picture."""
    recipe = small_recipe("cgan", {"training.held_out": 1_000, "training.steps": 2})
    # A single picture, which every place shows: so neither the pictures nor the labels take memory of their own.
    images = torch.zeros(1, 1, 28, 28, dtype=torch.uint8).expand(MANY, -1, -1, -1)
    labels = torch.zeros(1, dtype=torch.int16).expand(MANY)
    data = Dataset("one", images, labels, tuple("0123456789"), resident=False)
    with Largest() as largest:
        trainer = Trainer(recipe, data)
        list(trainer.events())
        few = trainer.dataset.select(torch.arange(5))
    assert len(trainer.dataset) == MANY - 1_000 and len(trainer.validation) == 1_000 and len(few) == 5
    assert 0 < largest.bytes < MANY
    tracemalloc.start()  # sees NumPy's arrays
    try:
        Batches(recipe, data.split(1_000)[0]).at(7)
        assert tracemalloc.get_traced_memory()[1] < MANY
    finally:
        tracemalloc.stop()
