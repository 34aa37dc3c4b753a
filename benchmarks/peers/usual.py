"""The usual training loop, as a good engineer writes it in an afternoon, around the networks of a recipe.

    python -m benchmarks.peers.usual cgan [--device cpu] [--workers 0]

A torchvision data set with its transforms, a DataLoader, Adam as it comes, three passes of D in each step, and the
losses asked for as numbers after each. It trains the same networks with the same losses and rates as the workbench, and
G on fresh noise where the recipe says so, so that only the way of training differs.

It runs in a process of its own, where torch's threads wait as torch has them wait. For each line with a number of
seconds it trains that long and answers with its pictures a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.peers.environment import untouched
from benchmarks.turn import Entrant, answer, turn
from gan_core.data import data_dir
from gan_core.fitting import build_networks
from gan_core.recipes import find_recipe
from gan_core.recipes.recipe import Optimizer, Recipe


def usual_loop(recipe: str, device: str, workers: int = 0) -> Entrant:
    """The loop in a process of its own."""
    command = [sys.executable, "-m", __name__, recipe, "--device", device, "--workers", str(workers)]
    return Entrant(command, untouched())


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


def main() -> None:
    """Train for as many seconds as each line asks for, and say how many pictures a second that was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=0, help="processes that load pictures")
    arguments = parser.parse_args()
    recipe, device = find_recipe(arguments.recipe), torch.device(arguments.device)
    answer(turn(steps(recipe, device, arguments.workers), recipe, device))


if __name__ == "__main__":
    main()
