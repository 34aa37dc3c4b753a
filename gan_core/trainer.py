"""The training step and the stream of events that a run consists of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gan_core.config import UserError
from gan_core.contracts import Critic, Shapes
from gan_core.data import Dataset, find_dataset
from gan_core.events import DiscriminatorWon, Diverged, Event, Finished, Scalars, SnapshotDue, Started, StepDone
from gan_core.layers import set_dropout_generator
from gan_core.meter import Meter
from gan_core.objectives import Batch, Term
from gan_core.optimization import (
    apply_gradients,
    average_of,
    gradients,
    make_optimizer,
    ramped_decay,
    set_rate,
    update_average,
)
from gan_core.recipes.recipe import Recipe
from gan_core.seeds import stream_seed

EARLY_LOG_STEPS = frozenset({1, 2, 5, 10, 20})
WON_LOSS = 1e-3  # how near to its least value D's loss is where G learns next to nothing from it
WON_POINTS = 10  # so many points of the curve in a row


class Trainer:
    """Trains one recipe on one data set; nothing but the arguments decides the weights.

    The trainer neither reads nor writes files and prints nothing: iterate over :meth:`events`, and stop iterating to
    stop. Between two events the state is consistent and :meth:`state_dict` can be taken.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, device: torch.device | str = "cpu") -> None:
        """Builds both networks from the recipe's seed.

        Args:
            dataset: pictures to train on; held-out ones are split off here.
            device: where everything lives, a data set that fits there included.

        Raises:
            UserError: the recipe and the data set do not fit together.
        """
        training = recipe.training
        self.recipe, self.device = recipe, torch.device(device)
        dataset = of_classes(dataset, training.classes)
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
        self.points_won = 0
        self.past = {
            player: average_of(module)
            for player, module, terms in (
                ("g", self.generator, recipe.generator_terms),
                ("d", self.discriminator, recipe.discriminator_terms),
            )
            if any(term.needs_past for term in terms)
        }
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))
        self._labels_as_real = training.fake_labels == "as_real"
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
            finished = self.step == self.total_steps
            if finished or self.step in EARLY_LOG_STEPS or self.step % self.recipe.training.log_every == 0:
                values = self.meter.read() | self._learning_rates()
                yield Scalars(self.step, self.epoch, values)
                unfit = [name for name, value in values.items() if not math.isfinite(value)]
                if unfit:
                    yield Diverged(self.step, unfit[0])
                    return
                self.points_won = self.points_won + 1 if self._left_to_learn(values) < WON_LOSS else 0
                if self.recipe.stabilizers.stop_when_won and self.points_won == WON_POINTS:
                    yield DiscriminatorWon(self.step)
                    return
            reached = math.floor(self.epoch)
            if reached > epoch or finished:
                yield SnapshotDue(self.step, self.epoch, keep=finished or reached in self.recipe.snapshots.epochs)
            yield StepDone(self.step, self.epoch)
        yield Finished(self.step)

    def _train_step(self) -> None:
        """One step: ``discriminator_steps`` updates of D and one of G."""
        training = self.recipe.training
        for optimizer, rate in zip((self.optimizer_g, self.optimizer_d), self._learning_rates().values(), strict=True):
            set_rate(optimizer, rate)
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
            update_average(
                self.average, self.generator, ramped_decay(training.ema_decay, training.ema_ramp, self.step + 1)
            )
        for player, module in (("g", self.generator), ("d", self.discriminator)):
            if player in self.past:
                update_average(self.past[player], module, 1 - 1 / (self.step + 2))
        self.step += 1

    def _update_discriminator(self, real: Tensor, real_labels: Tensor | None) -> None:
        z, fake_labels = self._latents(real_labels if self._labels_as_real else None)
        with torch.no_grad():
            fake = self.generator(z, fake_labels)
        batch = self._judge(real, real_labels, fake, fake_labels)
        loss = self._loss("d", self.recipe.discriminator_terms, batch)
        self._step_discriminator(batch, gradients(loss, self.discriminator))

    def _update_generator(self, real: Tensor, real_labels: Tensor | None) -> None:
        z, fake_labels = self._latents()
        fake = self.generator(z, fake_labels)
        batch = self._judge(real if self._g_needs_real else None, real_labels, fake, fake_labels)
        loss = self._loss("g", self.recipe.generator_terms, batch)
        apply_gradients(self.optimizer_g, self.generator, gradients(loss, self.generator))

    def _update_both(self, real: Tensor, real_labels: Tensor | None) -> None:
        """Both gradients from one forward pass, then both updates (R2)."""
        z, fake_labels = self._latents(real_labels if self._labels_as_real else None)
        fake = self.generator(z, fake_labels)
        batch = self._judge(real, real_labels, fake, fake_labels)
        loss_d = self._loss("d", self.recipe.discriminator_terms, batch)
        loss_g = self._loss("g", self.recipe.generator_terms, batch)
        slopes_d = gradients(loss_d, self.discriminator, keep_graph=True)
        apply_gradients(self.optimizer_g, self.generator, gradients(loss_g, self.generator))
        self._step_discriminator(batch, slopes_d)

    def _step_discriminator(self, batch: Batch, slopes: Sequence[Tensor | None]) -> None:
        """D's update, unless it may rest, with its weights clipped where the recipe says so."""
        stabilizers = self.recipe.stabilizers
        on_real, on_fake = batch.real_logits.detach().float(), batch.fake_logits.detach().float()
        self.meter.add("d_real", on_real.sigmoid().mean())
        self.meter.add("d_fake", on_fake.sigmoid().mean())
        if stabilizers.skip_above:
            right = ((on_real > 0).float().mean() + (on_fake < 0).float().mean()) / 2
            if right.item() > stabilizers.skip_above:  # this switch alone makes each step wait for the device
                return
        apply_gradients(self.optimizer_d, self.discriminator, slopes)
        if stabilizers.weight_clip:
            with torch.no_grad():
                for parameter in self.discriminator.parameters():
                    parameter.clamp_(-stabilizers.weight_clip, stabilizers.weight_clip)

    def _judge(
        self, real: Tensor | None, real_labels: Tensor | None, fake: Tensor, fake_labels: Tensor | None
    ) -> Batch:
        """D's answers, in one pass where a picture's answer depends on that picture alone."""
        fake = self._perturbed(fake)
        if real is None:
            on_real, on_fake = None, self.discriminator(fake, fake_labels)
        elif self.recipe.mixes_samples:
            real = self._perturbed(real)
            on_real, on_fake = self.discriminator(real, real_labels), self.discriminator(fake, fake_labels)
        else:
            real = self._perturbed(real)
            labels = None if real_labels is None or fake_labels is None else torch.cat([real_labels, fake_labels])
            both: Critic = self.discriminator(torch.cat([real, fake.to(real.dtype)]), labels)
            halves = zip(both.logits.chunk(2), both.features.chunk(2), strict=True)
            on_real, on_fake = (Critic(logits, features) for logits, features in halves)
        return Batch(fake, on_fake, real, on_real, real_labels, fake_labels, self.discriminator, self.noise)

    def _perturbed(self, images: Tensor) -> Tensor:
        """Pictures with the instance noise of this step."""
        deviation = self.recipe.stabilizers.noise_deviation(self.step, self.total_steps)
        if deviation == 0:
            return images
        noise = torch.empty(images.shape, device=self.device).normal_(0, deviation, generator=self.noise)
        return images + noise

    def _loss(self, player: str, terms: Sequence[Term], batch: Batch) -> Tensor:
        """The weighted sum of the terms' means, in float32; each mean is recorded by its term's name."""
        if player in self.past:
            module = self.generator if player == "g" else self.discriminator
            past = list(self.past[player].parameters())
            batch = replace(batch, parameters=list(module.parameters()), past=past)
        means = [term(batch).float().mean() for term in terms]
        total = torch.stack([term.weight * mean for term, mean in zip(terms, means, strict=True)]).sum()
        for term, mean in zip(terms, means, strict=True):
            self.meter.add(term.kind, mean)
        self.meter.add(f"loss_{player}", total)
        return total

    def _scalar_names(self) -> list[str]:
        terms = (*self.recipe.discriminator_terms, *self.recipe.generator_terms)
        return ["loss_g", "loss_d", "d_real", "d_fake", *dict.fromkeys(term.kind for term in terms)]

    def _left_to_learn(self, values: Mapping[str, float]) -> float:
        """How far D's objectives, without penalties, are above the least value that their targets allow."""
        terms = [term for term in self.recipe.discriminator_terms if term.group == "objective" and term.weight > 0]
        return sum(term.weight * (values.get(term.kind, math.inf) - term.floor) for term in terms)

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
            self._order = epoch, torch.randperm(len(self.dataset), generator=source).to(self.dataset.images.device)
        chosen = self._order[1][position * size : (position + 1) * size]
        images, labels = self.dataset.batch(chosen)
        return to_range(images, self.recipe.generator.pixel_range), labels if self.recipe.conditional else None

    def _latents(self, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Fresh z (N, latent) and, for a conditional recipe, ``labels`` (N,) or others drawn uniformly."""
        count, latents = self.recipe.training.batch_size, self.recipe.latents
        z = torch.empty(count, latents.size, device=self.device)
        if latents.distribution == "normal":
            z.normal_(generator=self.noise)
        else:
            z.uniform_(-1, 1, generator=self.noise)
        if labels is not None or not self.recipe.conditional:
            return z, labels
        return z, torch.randint(self.shapes.classes, (count,), device=self.device, generator=self.noise)

    def _modules(self) -> dict[str, nn.Module]:
        """Every network whose weights belong to the state, by name."""
        modules = {"generator": self.generator, "discriminator": self.discriminator}
        if self.average is not None:
            modules["average"] = self.average
        return modules | {f"past_{player}": module for player, module in self.past.items()}

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on exactly here: tensors by dotted name, and the step."""
        tensors: dict[str, Tensor] = {}
        for name, module in self._modules().items():
            tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in (("optimizer_g", self.optimizer_g), ("optimizer_d", self.optimizer_d)):
            for index, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{slot}": value for slot, value in slots.items()}
        tensors["points_won"] = torch.tensor(self.points_won)
        tensors |= {"rng.noise": self.noise.get_state(), "rng.dropout": self.masks.get_state()}
        tensors |= {f"meter.{key}": value for key, value in self.meter.state().items()}
        return {"step": self.step, "tensors": {key: value.detach().cpu().clone() for key, value in tensors.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict` of the same recipe; strict about names and shapes."""
        tensors: Mapping[str, Tensor] = state["tensors"]
        for name, module in self._modules().items():
            module.load_state_dict(_under(tensors, name))
        for name, optimizer in (("optimizer_g", self.optimizer_g), ("optimizer_d", self.optimizer_d)):
            slots: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, name).items():
                index, slot = key.split(".")
                slots.setdefault(int(index), {})[slot] = value.clone()
            optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
        self.noise.set_state(tensors["rng.noise"])
        self.masks.set_state(tensors["rng.dropout"])
        self.meter.load(_under(tensors, "meter"))
        self.points_won = int(tensors["points_won"])
        self.step = int(state["step"])

    def load_networks(self, tensors: Mapping[str, Tensor]) -> None:
        """Start from the networks of another run ("generator.…", "discriminator.…"), with fresh optimisers."""
        self.generator.load_state_dict(_under(tensors, "generator"))
        self.discriminator.load_state_dict(_under(tensors, "discriminator"))
        if self.average is not None:
            self.average.load_state_dict(_under(tensors, "generator"))


def build_networks(recipe: Recipe, shapes: Shapes, seed: int) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator with the first weights that the seed gives, on the CPU."""
    # Initialisers draw from torch's global generator; it is put back, so that building has no side effect.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "generator"))
        generator = recipe.build_generator(shapes)
        torch.manual_seed(stream_seed(seed, "discriminator"))
        discriminator = recipe.build_discriminator(shapes)
    return generator, discriminator


def check_fit(recipe: Recipe) -> None:
    """Raise UserError where a recipe cannot train on its data set; costs no memory."""
    source = find_dataset(recipe.dataset)
    check_classes(recipe.training.classes, len(source.class_names))
    pictures = source.count("train") - recipe.training.held_out
    if pictures < recipe.training.batch_size:
        raise UserError("The batch size {size} is more than the {pictures} pictures to train on; choose a smaller one.",
                        size=recipe.training.batch_size, pictures=max(pictures, 0))  # fmt: skip
    with torch.device("meta"):
        build_networks(recipe, recipe.shapes(source.image_shape, len(source.class_names)), seed=0)


def check_classes(chosen: Sequence[int], count: int) -> None:
    """Raise UserError unless the chosen classes are among ``count`` and differ."""
    if len(set(chosen)) < len(chosen) or any(label >= count for label in chosen):
        raise UserError("The data set has {count} classes, numbered from 0; choose some of them, each once.",
                        count=count)  # fmt: skip


def of_classes(dataset: Dataset, chosen: Sequence[int]) -> Dataset:
    """The pictures of the chosen classes, which are numbered anew in that order; all, where none is chosen."""
    if not chosen:
        return dataset
    check_classes(chosen, len(dataset.class_names))
    number = torch.full((len(dataset.class_names),), -1)
    number[list(chosen)] = torch.arange(len(chosen))
    labels = number[dataset.labels]
    names = tuple(dataset.class_names[label] for label in chosen)
    kept = (labels >= 0).nonzero().flatten()
    return replace(dataset.select(kept), labels=labels[kept], class_names=names)


def to_range(images: Tensor, pixel_range: tuple[float, float]) -> Tensor:
    """uint8 pictures as float32 in ``pixel_range``."""
    low, high = pixel_range
    return images.to(torch.float32).mul_((high - low) / 255).add_(low)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(prefix + ".")}
