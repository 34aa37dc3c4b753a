"""Drawing: picture i of a seed is the same whatever else is drawn with it."""

from __future__ import annotations

import pytest
import torch

from gan_core.contracts import Shapes
from gan_core.fitting import build_networks
from gan_core.recipes.recipe import Latents
from gan_core.sampling import CHUNK, cycle_labels, draw_latents, generate, generate_judged, pixels, to_uint8
from tests.small import small_recipe


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_latents_of_a_seed_do_not_depend_on_their_company(distribution: str) -> None:
    latents = Latents(16, distribution)
    many = draw_latents(latents, 3, 50)
    assert torch.equal(many[:7], draw_latents(latents, 3, 7))
    assert torch.equal(many[20:25], draw_latents(latents, 3, 5, first=20))
    assert not torch.equal(many, draw_latents(latents, 4, 50))
    assert len({tuple(row) for row in many.tolist()}) == 50


def test_latents_have_their_distribution() -> None:
    normal, uniform = (draw_latents(Latents(100, kind), 0, 500) for kind in ("normal", "uniform"))
    assert normal.mean().item() == pytest.approx(0, abs=0.02) and normal.std().item() == pytest.approx(1, abs=0.02)
    assert -1 <= uniform.min() < -0.99 and 0.99 < uniform.max() <= 1
    assert uniform.std().item() == pytest.approx(3**-0.5, abs=0.01)


@pytest.mark.parametrize("name", ["cgan", "leaky_gan", "dcgan"])
def test_pictures_do_not_depend_on_the_size_of_the_batch(name: str) -> None:
    recipe = small_recipe(name)
    generator, discriminator = build_networks(recipe, recipe.shapes((1, 28, 28), 10), seed=1)
    generator.train()
    z = draw_latents(recipe.latents, 1, 2 * CHUNK + 5)
    labels = cycle_labels(len(z), range(10)) if recipe.conditional else None
    scale = recipe.generator.pixel_range
    whole, verdicts = generate_judged(generator, discriminator, z, labels, scale)
    assert torch.equal(whole, generate(generator, z, labels, scale)) and len(verdicts) == len(z)
    for first, last in ((0, 1), (3, 40), (60, 69)):
        some = None if labels is None else labels[first:last]
        assert torch.equal(whole[first:last], generate(generator, z[first:last], some, scale))
    assert generator.training and all(0 <= verdict <= 1 for verdict in verdicts)


def test_pixels_are_rounded_to_the_nearest_and_clamped() -> None:
    images = torch.tensor([-2.0, -1.0, -0.9985, 0.0, 1.0, 3.0]).view(1, 1, 2, 3)
    assert to_uint8(images, (-1.0, 1.0)).flatten().tolist() == [0, 0, 0, 128, 255, 255]
    assert to_uint8(torch.full((1, 1, 1, 1), 0.5), (0.0, 1.0)).item() == 128


def test_arrays_are_grey_or_colour() -> None:
    assert pixels(torch.zeros(3, 1, 4, 5, dtype=torch.uint8)).shape == (3, 4, 5)
    colour = torch.arange(3, dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    assert pixels(colour).shape == (2, 4, 5, 3) and pixels(colour)[0, 0, 0].tolist() == [0, 1, 2]


def test_labels_cycle() -> None:
    assert cycle_labels(5, [7, 8]).tolist() == [7, 8, 7, 8, 7]
    assert Shapes(1, 1, 2, 3).pixels == 6
