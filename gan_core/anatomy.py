"""What two networks are made of: one forward pass of one picture, written down layer by layer.

A network is a graph of :class:`Layer`s in the order of the pass. The pass is watched rather than the code read, so a
network may branch and join as it likes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.overrides import TorchFunctionMode

from gan_core.arithmetic import cost_of, tensors_in
from gan_core.contracts import Critic, Shapes
from gan_core.fitting import build_networks
from gan_core.recipes.recipe import Recipe
from gan_core.stabilizers import Packed

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Sigmoid, nn.Tanh)
# Operations that are no step of their own: they hand on what they got.
SILENT = frozenset({"squeeze", "unsqueeze", "contiguous", "to", "type", "float", "detach", "clone", "expand", "get"})


@dataclass(frozen=True)
class Layer:
    """One step of a network's forward pass, for one picture that takes it (one pack, where D judges several at once).

    Attributes:
        name: dotted path of the module; empty for an input and for an operation between modules.
        kind: the module's class, the operation ("mul", "view"), or "input".
        detail: its sizes, such as "100 → 128", or an input's name.
        shape: shape of the output without the batch.
        inputs: positions, in the network, of the layers that it reads.
        trainable: parameters that no layer before it has used.
        buffers: running statistics and the like, which are kept but not trained.
        multiply_adds: multiply–accumulates of products and convolutions; zeros of padding count.
        elementwise: all other arithmetic: biases, normalisation, activations, comparisons of a pooling.
        activation: what is applied to the output at once, such as "LeakyReLU(0.2)"; its arithmetic is in here.
        share: of all pictures, those that take this step; below 1 where each class has a branch of its own.
    """

    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    inputs: tuple[int, ...] = ()
    trainable: int = 0
    buffers: int = 0
    multiply_adds: int = 0
    elementwise: int = 0
    activation: str = ""
    share: float = 1.0

    @property
    def flops(self) -> int:
        """Floating-point operations for one picture; a multiply–accumulate is two."""
        return 2 * self.multiply_adds + self.elementwise


@dataclass(frozen=True)
class Network:
    """The layers of a network in the order of its forward pass, inputs first; ``output`` is the last one's position.

    Costs are means over the classes.
    """

    layers: tuple[Layer, ...]
    output: int

    @property
    def trainable(self) -> int:
        return sum(layer.trainable for layer in self.layers)

    @property
    def buffers(self) -> int:
        return sum(layer.buffers for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        return round(sum(layer.share * layer.multiply_adds for layer in self.layers))

    @property
    def flops(self) -> int:
        return round(sum(layer.share * layer.flops for layer in self.layers))


@functools.lru_cache(maxsize=64)
def networks(recipe: Recipe, image_shape: tuple[int, int, int], classes: int) -> tuple[Network, Network]:
    """(generator, discriminator) of a recipe for pictures (C, H, W) of so many classes.

    Raises:
        UserError: the architecture cannot be built for these pictures.
    """
    # Not on the meta device: its first use loads torch's compiler, which takes a second or two.
    shapes = recipe.shapes(image_shape, classes)
    generator, discriminator = build_networks(recipe, shapes, recipe.training.seed)
    return generator_layers(generator, shapes), discriminator_layers(discriminator, shapes)


def generator_layers(module: nn.Module, shapes: Shapes) -> Network:
    """The layers of a generator, ``module(z, labels)``."""
    return trace(module, {"z": (shapes.latent_size,)}, shapes.classes)


def discriminator_layers(module: nn.Module, shapes: Shapes) -> Network:
    """The layers of a discriminator, ``module(x, labels)``; its output is the logit."""
    pictures = module.size if isinstance(module, Packed) else 1
    return trace(module, {"x": shapes.image}, shapes.classes, pictures)


def trace(module: nn.Module, inputs: Mapping[str, tuple[int, ...]], classes: int = 0, pack: int = 1) -> Network:
    """Watch one forward pass of ``module`` in evaluation mode; the module is left as it was.

    Args:
        module: on any device; the pass takes place where its parameters are.
        inputs: name → shape without the batch, in the order of the arguments.
        classes: labels (N,), int64, of so many classes follow them, one picture of each; 0 for none.
        pack: how many pictures go into one answer.
    """
    device = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
    watch = _Watch(module, max(classes, 1))
    arguments = [torch.zeros(max(classes, 1) * pack, *shape, device=device) for shape in inputs.values()]
    for (name, shape), argument in zip(inputs.items(), arguments, strict=True):
        watch.record(Layer("", "input", name, shape), (), argument)
    if classes:
        arguments.append(torch.arange(classes, device=device))
        watch.record(Layer("", "input", "label", ()), (), arguments[-1])
    modes = {part: part.training for part in module.modules()}
    try:
        module.eval()
        with torch.no_grad(), watch.hooks(), watch:
            answer = module(*arguments)
    finally:
        for part, training in modes.items():
            part.training = training
    result = answer.logits if isinstance(answer, Critic) else answer
    return _folded(_led(Network(tuple(watch.layers), watch.sources(result)[0])))


class _Watch(TorchFunctionMode):
    """Records each innermost module that is called, and each torch operation between modules."""

    def __init__(self, module: nn.Module, answers: int) -> None:
        super().__init__()
        self.layers: list[Layer] = []
        self._answers = answers
        self._names = {part: name for name, part in _units(module)}
        self._made_by: dict[int, int] = {}  # id of a tensor → position of the layer that made it
        self._alive: list[Tensor] = []  # an id is a tensor's own only as long as the tensor lives
        self._weights: dict[int, list[Tensor]] = {}  # id of a tensor made from parameters alone → those
        self._counted: set[Tensor] = set()  # parameters and buffers seen so far
        self._inside: nn.Module | None = None
        self._cost = (0, 0)

    def record(self, layer: Layer, read: Any, made: Any) -> None:
        """Add a layer that read and made these tensors (or nests of them)."""
        self.layers.append(replace(layer, inputs=self.sources(read)))
        self._mark(made, len(self.layers) - 1)

    def sources(self, values: Any) -> tuple[int, ...]:
        """Positions of the layers that made the tensors among ``values``, each once."""
        found = (self._made_by.get(id(tensor)) for tensor in tensors_in(values))
        return tuple(dict.fromkeys(position for position in found if position is not None))

    @contextmanager
    def hooks(self) -> Iterator[None]:
        """While inside, each layer reports its calls."""
        handles: list[Any] = []
        for part in self._names:
            handles.append(part.register_forward_pre_hook(self._enter))
            handles.append(part.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _mark(self, values: Any, position: int) -> None:
        for tensor in tensors_in(values):
            self._made_by[id(tensor)] = position
            self._alive.append(tensor)

    def _enter(self, module: nn.Module, arguments: Any) -> None:
        self._inside, self._cost = module, (0, 0)

    def _leave(self, module: nn.Module, arguments: Any, output: Any) -> Any:
        self._inside = None
        with torch._C.DisableTorchFunction():
            if any(output is argument for argument in arguments):
                output = output.view_as(output)  # what reads the module's input still reads the input
        held = [*module.parameters(), *module.buffers()]
        kind = type_before_parametrizations(module).__name__
        layer = Layer(self._names[module], kind, describe(module), _shape(output))
        self._add(layer, held, arguments, output)
        return output

    def _add(self, layer: Layer, held: Sequence[Tensor], read: Any, made: Any) -> None:
        new = [tensor for tensor in held if tensor not in self._counted and tensor.is_floating_point()]
        self._counted.update(new)
        trainable = sum(tensor.numel() for tensor in new if isinstance(tensor, nn.Parameter))
        buffers = sum(tensor.numel() for tensor in new) - trainable
        answers = next(iter(tensors_in(made)[0].shape), 1)
        products, others = (cost // answers for cost in self._cost)
        share = min(answers / self._answers, 1.0)
        self.record(replace(layer, trainable=trainable, buffers=buffers, multiply_adds=products, elementwise=others,
                            share=share), read, made)  # fmt: skip
        self._cost = (0, 0)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        keywords = dict(kwargs or {})
        made = func(*args, **keywords)
        if tensors_in(made):
            self._operation(str(getattr(func, "__name__", "")).strip("_"), args, keywords, made)
        return made

    def _operation(self, name: str, args: Sequence[Any], keywords: Mapping[str, Any], made: Any) -> None:
        cost = cost_of(name, args, keywords, made)
        if self._inside is not None:
            self._cost = self._cost[0] + cost[0], self._cost[1] + cost[1]
            return
        read = self.sources((args, keywords))
        held = [weight for tensor in tensors_in((args, keywords)) for weight in self._weights_in(tensor)]
        if not read:  # weights alone, made ready for what follows
            self._weights[id(tensors_in(made)[0])] = held
            self._alive += tensors_in(made)
        elif name in SILENT or (len(read) == 1 and not any(cost) and _shape(made) == _shape(args)):
            self._mark(made, read[0])
        else:
            self._cost = cost
            self._add(Layer("", name, "", _shape(made)), held, (args, keywords), made)

    def _weights_in(self, tensor: Tensor) -> list[Tensor]:
        return [tensor] if isinstance(tensor, nn.Parameter) else self._weights.get(id(tensor), [])


def describe(module: nn.Module) -> str:
    """The sizes of a layer in a few signs that need no translation."""
    if isinstance(module, nn.Linear):
        return f"{module.in_features} → {module.out_features}"
    if isinstance(module, nn.Embedding):
        return f"{module.num_embeddings} × {module.embedding_dim}"
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        size = "×".join(str(side) for side in module.kernel_size)
        stride = "" if module.stride[0] == 1 else f" / {module.stride[0]}"
        return f"{size}{stride}, {module.in_channels} → {module.out_channels}"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return f"{module.kernel_size}×{module.kernel_size}"
    if isinstance(module, nn.LeakyReLU):
        return f"LeakyReLU({module.negative_slope:g})"
    if isinstance(module, ACTIVATIONS):
        return type(module).__name__
    share = getattr(module, "p", None)
    return f"{share:g}" if isinstance(share, float) else ""


def _led(network: Network) -> Network:
    """Without the bare operations that lead nowhere, such as what only gathers features for a loss."""
    used = {network.output}
    for position in reversed(range(len(network.layers))):
        layer = network.layers[position]
        if position in used or layer.name or layer.kind == "input" or layer.trainable:
            used |= {position, *layer.inputs}
    place = {old: new for new, old in enumerate(sorted(used))}
    layers = (replace(network.layers[old], inputs=tuple(place[source] for source in network.layers[old].inputs))
              for old in place)  # fmt: skip
    return Network(tuple(layers), place[network.output])


def _folded(network: Network) -> Network:
    """Each activation written into the layer before it, where nobody else reads that layer."""
    layers: list[Layer] = []
    place: list[int] = []  # old position → new one
    readers = [source for layer in network.layers for source in layer.inputs]
    for layer in network.layers:
        inputs = tuple(place[source] for source in layer.inputs)
        before = layers[inputs[0]] if len(inputs) == 1 else None
        alone = before is not None and readers.count(layer.inputs[0]) == 1 and before.kind != "input"
        if before is not None and alone and _activates(layer) and not before.activation:
            elementwise = before.elementwise + layer.elementwise
            layers[inputs[0]] = replace(before, elementwise=elementwise, activation=layer.detail or layer.kind)
            place.append(inputs[0])
        else:
            place.append(len(layers))
            layers.append(replace(layer, inputs=inputs))
    return Network(tuple(layers), place[network.output])


def _units(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """(path, module) of each layer: what has no layers inside, or keeps weights of its own beside them."""
    inside = [(name, part) for name, part in module.named_children() if name != "parametrizations"]
    if not inside or (path and list(module.parameters(recurse=False))):
        yield path, module
        return
    for name, part in inside:
        yield from _units(part, f"{path}.{name}" if path else name)


def _activates(layer: Layer) -> bool:
    names = {cls.__name__ for cls in ACTIVATIONS} | {"relu", "leaky_relu", "sigmoid", "tanh"}
    return layer.kind in names and layer.trainable == 0


def _shape(values: Any) -> tuple[int, ...]:
    return tuple(tensors_in(values)[0].shape[1:])
