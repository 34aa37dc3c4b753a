"""What torch operations cost: multiply–accumulates and other arithmetic, from the shapes that they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves

# Operations on each element of the output, products and convolutions apart. A normalisation at rest is one scaling and
# one shift; whatever a processor may make of a sigmoid or tanh, it counts as one.
ELEMENTWISE: Mapping[str, int] = {
    "add": 1, "sub": 1, "rsub": 1, "mul": 1, "div": 1, "rdiv": 1, "neg": 1, "abs": 1, "exp": 1, "square": 1, "sqrt": 1,
    "batch_norm": 2, "instance_norm": 2, "group_norm": 2, "layer_norm": 2, "relu": 1, "leaky_relu": 1, "elu": 1,
    "gelu": 1, "silu": 1, "softplus": 1, "sigmoid": 1, "tanh": 1,
}  # fmt: skip


def cost_of(operation: str, args: Sequence[Any], keywords: Mapping[str, Any], made: Any) -> tuple[int, int]:
    """(multiply–accumulates, other arithmetic) of one torch operation; nothing for those that only move values."""
    output = tensors_in(made)[0]
    count = output.numel()
    if operation in ("linear", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"):
        source, weight = tensors_in((args, keywords))[:2]
        bias = args[2] if len(args) > 2 else keywords.get("bias")
        # Each input value of a transposed convolution meets each weight of its channel; each output of the others does.
        products = source.numel() if "transpose" in operation else count
        return products * weight[0].numel(), 0 if bias is None else count
    if operation in ("matmul", "mm", "bmm"):
        return count * int(args[0].shape[-1]), 0
    if operation in ("max_pool2d", "avg_pool2d"):
        kernel = args[1] if len(args) > 1 else keywords["kernel_size"]
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        return 0, count * (height * width - (operation == "max_pool2d"))
    if operation == "interpolate" and keywords.get("mode") == "bilinear":
        return 0, count * 7  # four products, three sums
    return 0, count * ELEMENTWISE.get(operation, 0)


def tensors_in(values: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists and dictionaries, in order."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
