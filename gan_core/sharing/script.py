"""A trained generator as a script to read and run: ``python sample.py`` needs torch and safetensors alone."""

from __future__ import annotations

import io
import json
import zipfile

from gan_core.checkpoints import Bundle
from gan_core.export import add_file
from gan_core.sharing import script_parts
from gan_core.sharing.script_parts import WEIGHTS
from gan_core.sharing.source import Gathered

_DOCSTRING = '''\
"""{title}: draws pictures with the generator in model.safetensors.

    pip install torch safetensors
    python sample.py --out pictures.png --count 100 --seed 1{labels}

{summary}
{source}

Made by GAN Workbench. {trained}; recipe.json has every setting.
The same seed draws the same pictures as in the workbench.
"""
'''
_README = """\
{title}

sample.py           the whole model as one file to read, and a command that draws pictures
model.safetensors   the weights; GAN Workbench takes this file in on its page Library
recipe.json         every setting of the training

    pip install torch safetensors
    python sample.py --out pictures.png

Nothing here is pickled.
"""


def script_files(bundle: Bundle, weights: bytes) -> dict[str, bytes]:
    """Script, weights (the bundle's own file) and recipe, by name."""
    recipe = json.dumps(bundle.info.recipe.to_dict(), ensure_ascii=False, indent=2)
    return {"sample.py": script(bundle).encode(), "recipe.json": recipe.encode(), WEIGHTS: weights}


def script_zip(bundle: Bundle, weights: bytes) -> bytes:
    """:func:`script_files` and a few words as one zip file."""
    readme = _README.format(title=bundle.info.recipe.title).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in ({"README.txt": readme} | script_files(bundle, weights)).items():
            add_file(archive, name, data)
    return stream.getvalue()


def script(bundle: Bundle) -> str:
    """The text of sample.py."""
    info, model = bundle.info, type(bundle.generator)
    recipe, shapes = info.recipe, info.shapes
    gathered = Gathered({type(recipe.generator): recipe.generator, type(recipe.latents): recipe.latents})
    gathered.add(type(recipe.generator).__module__, type(recipe.generator).__name__)
    gathered.add(model.__module__, model.__name__)
    gathered.add(script_parts.__name__, script_parts.main.__name__)
    names = info.class_names if recipe.conditional else ()
    start = (
        f"\n\nif __name__ == \"__main__\":\n    settings = {type(recipe.generator).__name__}()\n"
        f"    model = {model.__name__}(settings, {shapes!r})\n"
        f"    main(model, Latents(), settings.pixel_range, {names!r})\n"
    )
    length = f"Trained for {info.step:,} steps, {info.epoch:.4g} epochs, on {_words(info.dataset.rpartition('/')[2])}"
    docstring = _DOCSTRING.format(
        title=_words(recipe.title), summary=_words(recipe.summary), source=_words(recipe.source),
        trained=length if recipe.trainable else "Trained elsewhere", labels=" --labels 0,1" if names else "",
    )  # fmt: skip
    return docstring + "\n" + gathered.text() + start


def _words(text: str) -> str:
    """A text of the bundle that cannot end the docstring it stands in: bundles come from strangers, too."""
    return text.replace("\\", "/").replace('"', "'")
