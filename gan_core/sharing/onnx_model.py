"""A generator as an ONNX graph, which browsers and other programs run without torch."""

from __future__ import annotations

import importlib.util
import warnings

import torch

from gan_core.checkpoints import Bundle
from gan_core.config import UserError

NEEDED = "onnxscript"  # torch's exporter is written on top of it


def can_convert() -> bool:
    """Whether the packages that torch's exporter needs are there; costs no import."""
    return importlib.util.find_spec(NEEDED) is not None


def to_onnx(bundle: Bundle) -> bytes:
    """The generator as an ONNX file.

    Inputs are ``z`` float32 (n, latent) and, for a conditional model, ``labels`` float32 (n, classes): the weight of
    each class, so that one fixed graph serves a class as well as a mixture. The output ``images`` is float32
    (n, C, H, W) in the recipe's pixel range.

    Raises:
        UserError: the packages for it are not installed.
    """
    if not can_convert():
        raise UserError("Making ONNX files needs the package {package}; install it with pip.", package=NEEDED)
    shapes = bundle.info.shapes
    names, inputs = ["z"], [torch.zeros(2, shapes.latent_size)]
    if bundle.info.recipe.conditional:
        names.append("labels")
        inputs.append(torch.full((2, shapes.classes), 1 / shapes.classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            bundle.generator,
            tuple(inputs),
            input_names=names,
            output_names=["images"],
            dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    data: bytes = program.model_proto.SerializeToString()
    return data
