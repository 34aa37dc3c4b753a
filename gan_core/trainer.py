"""The training step and the stream of events that a run consists of."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.contracts import Critic, Shapes
from gan_core.data import Dataset, find_dataset
from gan_core.events import Diverged, Event, Finished, Scalars, SnapshotDue, Started, StepDone
from gan_core.layers import set_dropout_generator
from gan_core.objectives import Batch, Term
from gan_core.recipes.recipe import Optimizer, Recipe
from gan_core.seeds import stream_seed

EARLY_LOG_STEPS = frozenset({1, 2, 5, 10, 20})


class Trainer:
    """Trains one recipe on one data set; nothing but the arguments decides the weights.

    The trainer neither reads nor writes files and prints nothing: iterate over :meth:`events`, and stop iterating to
    stop. Between two events the state is consistent and :meth:`state_dict` can be taken.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, device: torch.device | str = "cpu") -> None:
        """Builds both networks from the recipe's seed.

        Args:
            dataset: pictures to train on; held-out ones are split off here.
            device: where everything lives, the whole data set included.

        Raises:
            UserError: the recipe and the data set do not fit together.
        """
        training = recipe.training
        self.recipe, self.device = recipe, torch.device(device)
        train, self.validation = dataset.split(training.held_out)
        if len(train) < training.batch_size:
            raise UserError(
                "The batch size {batch_size} is more than the {count} pictures to train on; choose a smaller one.",
                batch_size=training.batch_size, count=len(train),
            )  # fmt: skip
        self.dataset = train.to(self.device)
        self.shapes = recipe.shapes(dataset.image_shape, len(dataset.class_names))
        self.generator, self.discriminator = build_networks(recipe, self.shapes, training.seed)
        self.generator.to(self.device)
        self.discriminator.to(self.device)
        self.average = average_of(self.generator) if training.ema_decay else None
        self.optimizer_g = make_optimizer(recipe.generator_optimizer, self.generator)
        self.optimizer_d = make_optimizer(recipe.discriminator_optimizer, self.discriminator)
        self.noise = torch.Generator(self.device).manual_seed(stream_seed(training.seed, "noise"))
        self.masks = torch.Generator(self.device).manual_seed(stream_seed(training.seed, "dropout"))
        set_dropout_generator(self.generator, self.masks)
        set_dropout_generator(self.discriminator, self.masks)
        self.batches_per_epoch = len(train) // training.batch_size
        self.total_steps = training.total_steps(len(train))
        self.step = 0
        self.meter = Meter(self._scalar_names(), self.device)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))
        self._g_needs_real = any(term.needs_real for term in recipe.generator_terms)

    @property
    def sampler(self) -> nn.Module:
        """The generator to make pictures with: the averaged one where the recipe keeps it."""
        return self.generator if self.average is None else self.average

    @property
    def epoch(self) -> float:
        """How often the whole data set has been seen."""
        return self.step * self.recipe.training.discriminator_steps / self.batches_per_epoch

    def events(self) -> Iterator[Event]:
        """Trains to the end, yielding between steps."""
        yield Started(self.step, self.total_steps, self.batches_per_epoch / self.recipe.training.discriminator_steps)
        if self.step == 0:
            yield SnapshotDue(0, 0, keep=0 in self.recipe.snapshots.epochs)
        while self.step < self.total_steps:
            epoch = math.floor(self.epoch)
            self._train_step()
            yield StepDone(self.step, self.epoch)
            finished = self.step == self.total_steps
            if finished or self.step in EARLY_LOG_STEPS or self.step % self.recipe.training.log_every == 0:
                values = self.meter.read() | self._learning_rates()
                yield Scalars(self.step, self.epoch, values)
                unfit = [name for name, value in values.items() if not math.isfinite(value)]
                if unfit:
                    yield Diverged(self.step, unfit[0])
                    return
            reached = math.floor(self.epoch)
            if reached > epoch or finished:
                yield SnapshotDue(self.step, self.epoch, keep=finished or reached in self.recipe.snapshots.epochs)
        yield Finished(self.step)

    def _train_step(self) -> None:
        """One step: ``discriminator_steps`` updates of D and one of G."""
        training = self.recipe.training
        for optimizer, rate in zip((self.optimizer_g, self.optimizer_d), self._learning_rates().values(), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=training.precision == "bfloat16"):
            for update in range(training.discriminator_steps):
                real, real_labels = self._real_batch(self.step * training.discriminator_steps + update)
                if training.update == "simultaneous" and update == training.discriminator_steps - 1:
                    self._update_both(real, real_labels)
                else:
                    self._update_discriminator(real, real_labels)
            if training.update == "alternating":
                self._update_generator(real, real_labels)
        if self.average is not None:
            update_average(self.average, self.generator, training.ema_decay)
        self.step += 1

    def _update_discriminator(self, real: Tensor, real_labels: Tensor | None) -> None:
        z, fake_labels = self._latents()
        with torch.no_grad():
            fake = self.generator(z, fake_labels)
        on_real, on_fake = self._judge(real, real_labels, fake, fake_labels)
        batch = Batch(fake, on_fake, real, on_real, real_labels, fake_labels, self.discriminator, self.noise)
        loss = self._loss("d", self.recipe.discriminator_terms, batch)
        descend(self.optimizer_d, self.discriminator, loss)
        self._record_answers(on_real, on_fake)

    def _update_generator(self, real: Tensor, real_labels: Tensor | None) -> None:
        z, fake_labels = self._latents()
        fake = self.generator(z, fake_labels)
        if self._g_needs_real:
            on_real, on_fake = self._judge(real, real_labels, fake, fake_labels)
        else:
            on_real, on_fake = None, self.discriminator(fake, fake_labels)
        batch = Batch(fake, on_fake, real, on_real, real_labels, fake_labels, self.discriminator, self.noise)
        descend(self.optimizer_g, self.generator, self._loss("g", self.recipe.generator_terms, batch))

    def _update_both(self, real: Tensor, real_labels: Tensor | None) -> None:
        """Both gradients from one forward pass, then both updates (R2)."""
        z, fake_labels = self._latents()
        fake = self.generator(z, fake_labels)
        on_real, on_fake = self._judge(real, real_labels, fake, fake_labels)
        batch = Batch(fake, on_fake, real, on_real, real_labels, fake_labels, self.discriminator, self.noise)
        loss_d = self._loss("d", self.recipe.discriminator_terms, batch)
        loss_g = self._loss("g", self.recipe.generator_terms, batch)
        gradients_d = torch.autograd.grad(loss_d, list(self.discriminator.parameters()), retain_graph=True)
        descend(self.optimizer_g, self.generator, loss_g)
        apply_gradients(self.optimizer_d, self.discriminator, gradients_d)
        self._record_answers(on_real, on_fake)

    def _judge(
        self, real: Tensor, real_labels: Tensor | None, fake: Tensor, fake_labels: Tensor | None
    ) -> tuple[Critic, Critic]:
        """D's answers on both halves; in one pass where a picture's answer depends on that picture alone."""
        if self.recipe.discriminator.mixes_samples:
            return self.discriminator(real, real_labels), self.discriminator(fake, fake_labels)
        labels = None if real_labels is None or fake_labels is None else torch.cat([real_labels, fake_labels])
        both: Critic = self.discriminator(torch.cat([real, fake.to(real.dtype)]), labels)
        count = real.shape[0]
        return (
            Critic(both.logits[:count], both.features[:count]),
            Critic(both.logits[count:], both.features[count:]),
        )

    def _loss(self, player: str, terms: Sequence[Term], batch: Batch) -> Tensor:
        """The weighted sum of the terms' means, in float32; each mean is recorded by its term's name."""
        means = [term(batch).float().mean() for term in terms]
        total = torch.stack([term.weight * mean for term, mean in zip(terms, means, strict=True)]).sum()
        for term, mean in zip(terms, means, strict=True):
            self.meter.add(term.kind, mean)
        self.meter.add(f"loss_{player}", total)
        return total

    def _record_answers(self, on_real: Critic, on_fake: Critic) -> None:
        self.meter.add("d_real", on_real.logits.detach().float().sigmoid().mean())
        self.meter.add("d_fake", on_fake.logits.detach().float().sigmoid().mean())

    def _scalar_names(self) -> list[str]:
        terms = (*self.recipe.discriminator_terms, *self.recipe.generator_terms)
        return ["loss_g", "loss_d", "d_real", "d_fake", *dict.fromkeys(term.kind for term in terms)]

    def _learning_rates(self) -> dict[str, float]:
        optimizers = {"lr_g": self.recipe.generator_optimizer, "lr_d": self.recipe.discriminator_optimizer}
        return {
            name: optimizer.schedule.rate(optimizer.learning_rate, self.step, self.total_steps)
            for name, optimizer in optimizers.items()
        }

    def _real_batch(self, batch: int) -> tuple[Tensor, Tensor | None]:
        """The pictures (N, C, H, W) of one batch, counted from the start of the run, in the recipe's range."""
        size = self.recipe.training.batch_size
        epoch, position = divmod(batch, self.batches_per_epoch)
        if self._order[0] != epoch:
            # Seeded by the epoch, so that a resumed run needs no stored order.
            source = torch.Generator().manual_seed(stream_seed(self.recipe.training.seed, f"epoch {epoch}"))
            self._order = epoch, torch.randperm(len(self.dataset), generator=source).to(self.device)
        chosen = self._order[1][position * size : (position + 1) * size]
        images = to_range(self.dataset.images[chosen], self.recipe.generator.pixel_range)
        return images, self.dataset.labels[chosen] if self.recipe.conditional else None

    def _latents(self) -> tuple[Tensor, Tensor | None]:
        """Fresh z (N, latent) and, for a conditional recipe, labels (N,) drawn uniformly."""
        count, latents = self.recipe.training.batch_size, self.recipe.latents
        z = torch.empty(count, latents.size, device=self.device)
        if latents.distribution == "normal":
            z.normal_(generator=self.noise)
        else:
            z.uniform_(-1, 1, generator=self.noise)
        if not self.recipe.conditional:
            return z, None
        return z, torch.randint(self.shapes.classes, (count,), device=self.device, generator=self.noise)

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on exactly here: tensors by dotted name, and the step."""
        modules = {"generator": self.generator, "discriminator": self.discriminator}
        if self.average is not None:
            modules["average"] = self.average
        tensors: dict[str, Tensor] = {}
        for name, module in modules.items():
            tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in (("optimizer_g", self.optimizer_g), ("optimizer_d", self.optimizer_d)):
            for index, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{slot}": value for slot, value in slots.items()}
        tensors |= {"rng.noise": self.noise.get_state(), "rng.dropout": self.masks.get_state()}
        tensors |= {f"meter.{key}": value for key, value in self.meter.state().items()}
        return {"step": self.step, "tensors": {key: value.detach().cpu().clone() for key, value in tensors.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict` of the same recipe; strict about names and shapes."""
        tensors: Mapping[str, Tensor] = state["tensors"]
        self.generator.load_state_dict(_under(tensors, "generator"))
        self.discriminator.load_state_dict(_under(tensors, "discriminator"))
        if self.average is not None:
            self.average.load_state_dict(_under(tensors, "average"))
        for name, optimizer in (("optimizer_g", self.optimizer_g), ("optimizer_d", self.optimizer_d)):
            slots: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, name).items():
                index, slot = key.split(".")
                slots.setdefault(int(index), {})[slot] = value.clone()
            optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
        self.noise.set_state(tensors["rng.noise"])
        self.masks.set_state(tensors["rng.dropout"])
        self.meter.load(_under(tensors, "meter"))
        self.step = int(state["step"])

    def load_networks(self, tensors: Mapping[str, Tensor]) -> None:
        """Start from the networks of another run ("generator.…", "discriminator.…"), with fresh optimisers."""
        self.generator.load_state_dict(_under(tensors, "generator"))
        self.discriminator.load_state_dict(_under(tensors, "discriminator"))
        if self.average is not None:
            self.average.load_state_dict(_under(tensors, "generator"))


class Meter:
    """Means of scalars between two readings, summed on the device so that no step waits for it."""

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        self._index = {name: index for index, name in enumerate(names)}
        self._sums = torch.zeros(len(names), device=device)
        self._counts = [0] * len(names)

    def add(self, name: str, value: Tensor) -> None:
        """Count one more scalar tensor of that name."""
        index = self._index[name]
        self._sums[index] += value.detach()
        self._counts[index] += 1

    def read(self) -> dict[str, float]:
        """The means since the last reading; starts anew."""
        sums = self._sums.tolist()
        means = {name: sums[index] / self._counts[index] for name, index in self._index.items() if self._counts[index]}
        self._sums.zero_()
        self._counts = [0] * len(self._counts)
        return means

    def state(self) -> dict[str, Tensor]:
        return {"sums": self._sums, "counts": torch.tensor(self._counts)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        self._sums.copy_(state["sums"])
        self._counts = [int(count) for count in state["counts"]]


def build_networks(recipe: Recipe, shapes: Shapes, seed: int) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator with the first weights that the seed gives, on the CPU."""
    # Initialisers draw from torch's global generator; it is put back, so that building has no side effect.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "generator"))
        generator = recipe.generator.build(shapes)
        torch.manual_seed(stream_seed(seed, "discriminator"))
        discriminator = recipe.discriminator.build(shapes)
    return generator, discriminator


def check_fit(recipe: Recipe) -> None:
    """Raise UserError where a recipe cannot train on its data set; costs no memory and reads no file."""
    source = find_dataset(recipe.dataset)
    pictures = source.sizes["train"] - recipe.training.held_out
    if pictures < recipe.training.batch_size:
        raise UserError("The batch size {size} is more than the {pictures} pictures to train on; choose a smaller one.",
                        size=recipe.training.batch_size, pictures=max(pictures, 0))  # fmt: skip
    with torch.device("meta"):
        build_networks(recipe, recipe.shapes(source.image_shape, len(source.class_names)), seed=0)


def make_optimizer(config: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    """The torch optimiser that ``config`` describes, over all of ``module``'s parameters."""
    parameters = list(module.parameters())
    if config.algorithm == "adam":
        return torch.optim.Adam(
            parameters, config.learning_rate, (config.beta1, config.beta2), config.epsilon, fused=True
        )
    if config.algorithm == "rmsprop":
        return torch.optim.RMSprop(
            parameters, config.learning_rate, alpha=config.beta2, eps=config.epsilon, momentum=config.beta1
        )
    return torch.optim.SGD(parameters, config.learning_rate, momentum=config.beta1)


def descend(optimizer: torch.optim.Optimizer, module: nn.Module, loss: Tensor) -> None:
    """One update of ``module`` alone; nothing is computed for the other network's weights."""
    apply_gradients(optimizer, module, torch.autograd.grad(loss, list(module.parameters())))


def apply_gradients(optimizer: torch.optim.Optimizer, module: nn.Module, gradients: Sequence[Tensor]) -> None:
    """One update of ``module`` along gradients in the order of its parameters."""
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def average_of(module: nn.Module) -> nn.Module:
    """A copy of a generator for its running average."""
    return copy.deepcopy(module).requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """average <- decay · average + (1 - decay) · module; buffers are copied (Karras et al. 2018, §4)."""
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)
    for kept, now in zip(average.buffers(), module.buffers(), strict=True):
        kept.copy_(now)


def to_range(images: Tensor, pixel_range: tuple[float, float]) -> Tensor:
    """uint8 pictures as float32 in ``pixel_range``."""
    low, high = pixel_range
    return images.to(torch.float32).mul_((high - low) / 255).add_(low)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(prefix + ".")}
