"""Small bundles for tests: real architectures with their first weights, which need no training."""

from pathlib import Path

from gan_core.checkpoints import BundleInfo, save_bundle
from gan_core.data import DIGITS
from gan_core.fitting import build_networks
from gan_core.recipes import find_recipe


def save_untrained(
    runs: Path, name: str, recipe: str = "cgan", class_names: tuple[str, ...] = DIGITS, dataset: str = "mnist"
) -> str:
    """Put a bundle among the uploads of a runs folder; returns its reference."""
    made = find_recipe(recipe)
    shapes = made.shapes((1, 28, 28), len(class_names))
    generator, _discriminator = build_networks(made, shapes, 1)
    folder = runs / ".uploads"
    folder.mkdir(parents=True, exist_ok=True)
    info = BundleInfo(made, 0, 0.0, shapes.image, class_names, dataset)
    # Training makes embeddings grow; with the first, tiny ones all pictures would be nearly the same grey.
    weights = {key: value * 40 if "embedding" in key else value for key, value in generator.state_dict().items()}
    save_bundle(folder / f"{name}.safetensors", info, weights)
    return f"upload:{name}"
