"""The usual training loop, as a good engineer writes it in an afternoon, around the networks of a recipe.

A torchvision data set with its transforms, a DataLoader, Adam as it comes, three passes of D in each step, and the
losses asked for as numbers after each. It trains the same networks with the same losses and rates as the workbench, and
G on fresh noise where the recipe says so, so that only the way of training differs.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from gan_core.data import data_dir
from gan_core.fitting import build_networks
from gan_core.recipes.recipe import Optimizer, Recipe


def steps(recipe: Recipe, device: torch.device, workers: int = 0) -> Iterator[None]:
    """Train on MNIST, epoch after epoch; yields after each step."""
    low, high = recipe.generator.pixel_range
    picture = [transforms.ToTensor(), transforms.Normalize((-low / (high - low),), (1 / (high - low),))]
    mnist = datasets.MNIST(str(data_dir()), train=True, transform=transforms.Compose(picture))
    loader = DataLoader(
        mnist, recipe.training.batch_size, shuffle=True, drop_last=True, num_workers=workers,
        pin_memory=device.type == "cuda", persistent_workers=workers > 0,
    )  # fmt: skip
    generator, discriminator = build_networks(recipe, recipe.shapes((1, 28, 28), 10), recipe.training.seed)
    generator.to(device)
    discriminator.to(device)
    fresh = recipe.training.update == "alternating"
    adam_g, adam_d = adam(recipe.generator_optimizer, generator), adam(recipe.discriminator_optimizer, discriminator)
    while True:
        for images, labels in loader:
            real, real_labels = images.to(device), labels.to(device) if recipe.conditional else None

            adam_d.zero_grad()
            fake, fake_labels = pictures(recipe, generator, len(real), device)
            on_real = entropy(discriminator(real, real_labels).logits, 1.0)
            on_fake = entropy(discriminator(fake.detach(), fake_labels).logits, 0.0)
            loss_d = on_real + on_fake
            loss_d.backward()
            adam_d.step()

            adam_g.zero_grad()
            if fresh:
                fake, fake_labels = pictures(recipe, generator, len(real), device)
            loss_g = entropy(discriminator(fake, fake_labels).logits, 1.0)
            loss_g.backward()
            adam_g.step()
            loss_d.item(), loss_g.item()
            yield


def pictures(
    recipe: Recipe, generator: nn.Module, count: int, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Generated pictures of fresh noise, and their classes."""
    labels = torch.randint(10, (count,), device=device) if recipe.conditional else None
    return generator(torch.randn(count, recipe.latents.size, device=device), labels), labels


def adam(config: Optimizer, network: nn.Module) -> torch.optim.Adam:
    """Adam with the recipe's figures and torch's own choices."""
    return torch.optim.Adam(
        network.parameters(), lr=config.learning_rate, betas=(config.beta1, config.beta2), eps=config.epsilon
    )


def entropy(logits: Tensor, target: float) -> Tensor:
    """Binary cross-entropy to one target for the whole batch."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
