"""The training step and the stream of events that a run consists of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gan_core.compilation import compiled, why_not_compiled
from gan_core.contracts import Critic
from gan_core.data import Dataset
from gan_core.distributed import ALONE, World
from gan_core.engine import CudaGraph, Eager, Engine, why_eager
from gan_core.events import DiscriminatorWon, Diverged, Event, Finished, Scalars, SnapshotDue, Started, StepDone
from gan_core.feed import Batches, Feed, Knobs, knobs_at
from gan_core.fitting import build_networks, of_classes
from gan_core.layers import set_dropout_generator
from gan_core.meter import Meter
from gan_core.optimization import (
    apply_gradients,
    average_of,
    gradients,
    make_optimizer,
    set_rate,
    update_average,
)
from gan_core.recipes.recipe import Recipe
from gan_core.seeds import stream_seed
from gan_core.stabilizers import carry_over
from gan_core.state import restore, tensors_of, under
from gan_core.terms import Batch, Term

EARLY_LOG_STEPS = frozenset({1, 2, 5, 10, 20})
WON_LOSS = 1e-3  # how near to its least value D's loss is where G learns next to nothing from it
WON_POINTS = 10  # so many points of the curve in a row


class Trainer:
    """Trains one recipe on one data set; nothing but the arguments decides the weights.

    The trainer neither reads nor writes files and prints nothing: iterate over :meth:`events`, and stop iterating to
    stop. Between two events the state is consistent and :meth:`state_dict` can be taken.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, device: torch.device | str = "cpu", world: World = ALONE
    ) -> None:
        """Builds both networks from the recipe's seed.

        Args:
            dataset: pictures to train on; held-out ones are split off here.
            device: where everything lives, a data set that fits there included.
            world: the ranks that train this run together, each on its share of every batch. Batch statistics
                (batch normalisation, packing, minibatch layers, feature matching) are those of a rank's share.

        Raises:
            UserError: the recipe and the data set do not fit together.
        """
        training = recipe.training
        self.recipe, self.device, self.world = recipe, torch.device(device), world
        dataset = of_classes(dataset, training.classes)
        train, self.validation = dataset.split(training.held_out)
        self.batches = Batches(recipe, train.to(self.device), world.rank, world.size)
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
        self.modules = {"generator": self.generator, "discriminator": self.discriminator}
        if self.average is not None:
            self.modules["average"] = self.average
        self.modules |= {f"past_{player}": module for player, module in self.past.items()}
        # The passes of training; penalties, pictures and the state belong to the networks themselves.
        self._generate: Callable[..., Any] = self.generator
        self._criticise: Callable[..., Any] = self.discriminator
        self._uncompiled = why_not_compiled(self.device) if training.compile else ""
        if self.compiles:
            self._generate, self._criticise = compiled(self.generator), compiled(self.discriminator)
        self.engine = self._new_engine()
        self._labels_as_real = training.fake_labels == "as_real"
        self._g_needs_real = any(term.needs_real for term in recipe.generator_terms)

    @property
    def dataset(self) -> Dataset:
        """The pictures that are trained on, on their device."""
        return self.batches.dataset

    @property
    def batches_per_epoch(self) -> int:
        return self.batches.per_epoch

    @property
    def sampler(self) -> nn.Module:
        """The generator to make pictures with: the averaged one where the recipe keeps it."""
        return self.generator if self.average is None else self.average

    @property
    def epoch(self) -> float:
        """How often the whole data set has been seen."""
        return self.step * self.recipe.training.discriminator_steps / self.batches_per_epoch

    @property
    def compiles(self) -> bool:
        """Whether the first step has the networks compiled."""
        return self.recipe.training.compile and not self._uncompiled

    @property
    def notice(self) -> str:
        """Why the device is not used as well as it could be, or not as it was asked for; "" where it is."""
        return self._uncompiled or self.engine.notice

    def events(self) -> Iterator[Event]:
        """Trains to the end, yielding between steps."""
        yield Started(self.step, self.total_steps, self.batches_per_epoch / self.recipe.training.discriminator_steps)
        if self.step == 0:
            yield SnapshotDue(0, 0, keep=0 in self.recipe.snapshots.epochs)
        while self.step < self.total_steps:
            epoch = math.floor(self.epoch)
            self.engine.run(self.step)
            self.step += 1
            finished = self.step == self.total_steps
            if finished or self.step in EARLY_LOG_STEPS or self.step % self.recipe.training.log_every == 0:
                values = self.meter.read(self.world) | self._learning_rates()
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

    def _new_engine(self) -> Engine:
        reason = why_eager(self.batches, self.modules.values(), self.world.size)
        if self.device.type != "cuda":  # which gains nothing from a recording
            return Eager(self.train_step, self.batches, self.total_steps)
        if reason:
            return Eager(self.train_step, self.batches, self.total_steps, reason)
        return CudaGraph(self.train_step, self.batches, self.total_steps, self.meter, (self.noise, self.masks))

    def train_step(self, feed: Feed) -> None:
        """One step: ``discriminator_steps`` updates of D and one of G."""
        training, knobs = self.recipe.training, feed.knobs
        if self.world.size > 1:
            self._own_streams()
        set_rate(self.optimizer_g, knobs.rate_g)
        set_rate(self.optimizer_d, knobs.rate_d)
        for update in range(training.discriminator_steps):
            real, real_labels = feed.real(update)
            if training.update == "simultaneous" and update == training.discriminator_steps - 1:
                self._update_both(real, real_labels, knobs)
            else:
                self._update_discriminator(real, real_labels, knobs)
        if training.update == "alternating":
            self._update_generator(real, real_labels, knobs)
        self.world.mean([buffer for buffer in self._buffers() if buffer.is_floating_point()])
        if self.average is not None:
            update_average(self.average, self.generator, knobs.average)
        for player, past in self.past.items():
            update_average(past, self._network(player), knobs.past)

    def _own_streams(self) -> None:
        """Noise and masks of this step that no other rank draws; seeded anew, so that nothing of them is stored."""
        seed, rank = self.recipe.training.seed, self.world.rank
        self.noise.manual_seed(stream_seed(seed, f"noise {rank} {self.step}"))
        self.masks.manual_seed(stream_seed(seed, f"dropout {rank} {self.step}"))

    def _buffers(self) -> Iterator[Tensor]:
        yield from self.generator.buffers()
        yield from self.discriminator.buffers()

    def _network(self, player: str) -> nn.Module:
        return self.generator if player == "g" else self.discriminator

    def _precision(self) -> AbstractContextManager[None]:
        """The arithmetic of one update's passes; leaving it drops the copies of weights that the update has aged.

        It is float32 unless bfloat16 was chosen by name: what "auto" comes to is for the worker to find out.
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.precision == "bfloat16")

    def _update_discriminator(self, real: Tensor, real_labels: Tensor | None, knobs: Knobs) -> None:
        with self._precision():
            z, fake_labels = self._latents(real_labels if self._labels_as_real else None)
            with torch.no_grad():
                fake = self._generate(z, fake_labels)
            batch = self._judge(real, real_labels, fake, fake_labels, knobs.noise)
            loss = self._loss("d", self.recipe.discriminator_terms, batch, knobs.annealing)
        self._step_discriminator(batch, self._gradients("d", loss))

    def _update_generator(self, real: Tensor, real_labels: Tensor | None, knobs: Knobs) -> None:
        with self._precision():
            z, fake_labels = self._latents(real_labels if self._labels_as_real and self._g_needs_real else None)
            fake = self._generate(z, fake_labels)
            batch = self._judge(real if self._g_needs_real else None, real_labels, fake, fake_labels, knobs.noise)
            loss = self._loss("g", self.recipe.generator_terms, batch, knobs.annealing)
        apply_gradients(self.optimizer_g, self.generator, self._gradients("g", loss))

    def _update_both(self, real: Tensor, real_labels: Tensor | None, knobs: Knobs) -> None:
        """Both gradients from one forward pass, then both updates (R2)."""
        with self._precision():
            z, fake_labels = self._latents(real_labels if self._labels_as_real else None)
            fake = self._generate(z, fake_labels)
            batch = self._judge(real, real_labels, fake, fake_labels, knobs.noise)
            loss_d = self._loss("d", self.recipe.discriminator_terms, batch, knobs.annealing)
            loss_g = self._loss("g", self.recipe.generator_terms, batch, knobs.annealing)
        slopes_d = self._gradients("d", loss_d, keep_graph=True)
        apply_gradients(self.optimizer_g, self.generator, self._gradients("g", loss_g))
        self._step_discriminator(batch, slopes_d)

    def _gradients(self, player: str, loss: Tensor, *, keep_graph: bool = False) -> Sequence[Tensor | None]:
        """∂loss/∂θ of one player, averaged over the ranks."""
        module = self._network(player)
        slopes = gradients(loss, module, keep_graph=keep_graph)
        return self.world.mean_gradients(slopes, list(module.parameters()))

    def _step_discriminator(self, batch: Batch, slopes: Sequence[Tensor | None]) -> None:
        """D's update, unless it may rest, with its weights clipped where the recipe says so."""
        stabilizers = self.recipe.stabilizers
        on_real, on_fake = batch.real_logits.detach().float(), batch.fake_logits.detach().float()
        self.meter.add("d_real", on_real.sigmoid().mean())
        self.meter.add("d_fake", on_fake.sigmoid().mean())
        if stabilizers.skip_above:
            right = torch.stack([term.right(batch).float().mean() for term in self._d_objectives()]).mean()
            self.world.mean([right])
            if right.item() > stabilizers.skip_above:  # this switch alone makes each step wait for the device
                return
        apply_gradients(self.optimizer_d, self.discriminator, slopes)
        if stabilizers.weight_clip:
            with torch.no_grad():
                for parameter in self.discriminator.parameters():
                    parameter.clamp_(-stabilizers.weight_clip, stabilizers.weight_clip)

    def _judge(
        self,
        real: Tensor | None,
        real_labels: Tensor | None,
        fake: Tensor,
        fake_labels: Tensor | None,
        noise: float | Tensor,
    ) -> Batch:
        """D's answers, in one pass where a picture's answer depends on that picture alone."""
        fake = self._perturbed(fake, noise)
        if real is None:
            on_real, on_fake = None, self._criticise(fake, fake_labels)
        elif self.recipe.mixes_samples:
            real = self._perturbed(real, noise)
            on_real, on_fake = self._criticise(real, real_labels), self._criticise(fake, fake_labels)
        else:
            real = self._perturbed(real, noise)
            labels = None if real_labels is None or fake_labels is None else torch.cat([real_labels, fake_labels])
            both: Critic = self._criticise(torch.cat([real, fake.to(real.dtype)]), labels)
            halves = zip(both.logits.chunk(2), both.features.chunk(2), strict=True)
            on_real, on_fake = (Critic(logits, features) for logits, features in halves)
        return Batch(fake, on_fake, real, on_real, real_labels, fake_labels, self.discriminator, self.noise)

    def _perturbed(self, images: Tensor, deviation: float | Tensor) -> Tensor:
        """Pictures with instance noise of that standard deviation."""
        if isinstance(deviation, float) and deviation == 0:
            return images
        noise = torch.empty(images.shape, device=self.device).normal_(generator=self.noise)
        return images + noise.mul_(deviation)

    def _loss(self, player: str, terms: Sequence[Term], batch: Batch, annealing: float | Tensor) -> Tensor:
        """The weighted sum of the terms' means, in float32; each mean is recorded by its term's name."""
        if player in self.past:
            past = list(self.past[player].parameters())
            batch = replace(batch, parameters=list(self._network(player).parameters()), past=past)
        means = [term(batch).float().mean() for term in terms]
        weights = [term.weight_at(annealing) for term in terms]
        total = torch.stack([
            mean * (weight.to(mean.dtype) if isinstance(weight, Tensor) else weight)
            for weight, mean in zip(weights, means, strict=True)
        ]).sum()  # fmt: skip
        for term, mean in zip(terms, means, strict=True):
            self.meter.add(term.kind, mean)
        self.meter.add(f"loss_{player}", total)
        return total

    def _scalar_names(self) -> list[str]:
        terms = (*self.recipe.discriminator_terms, *self.recipe.generator_terms)
        return ["loss_g", "loss_d", "d_real", "d_fake", *dict.fromkeys(term.kind for term in terms)]

    def _left_to_learn(self, values: Mapping[str, float]) -> float:
        """How far D's objectives, without penalties, are above the least value that their targets allow."""
        return sum(term.weight * (values.get(term.kind, math.inf) - term.floor) for term in self._d_objectives())

    def _d_objectives(self) -> list[Term]:
        return [term for term in self.recipe.discriminator_terms if term.group == "objective" and term.weight > 0]

    def _learning_rates(self) -> dict[str, float]:
        rate_g, rate_d, *_ = knobs_at(self.recipe, self.step, self.total_steps)
        return {"lr_g": float(rate_g), "lr_d": float(rate_d)}

    def _latents(self, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Fresh z (N, latent) and, for a conditional recipe, ``labels`` (N,) or others drawn uniformly."""
        count, latents = self.batches.size, self.recipe.latents
        z = torch.empty(count, latents.size, device=self.device)
        if latents.distribution == "normal":
            z.normal_(generator=self.noise)
        else:
            z.uniform_(-1, 1, generator=self.noise)
        if labels is not None or not self.recipe.conditional:
            return z, labels
        return z, torch.randint(self.shapes.classes, (count,), device=self.device, generator=self.noise)

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on exactly here: tensors by dotted name, and the step."""
        return {"step": self.step, "tensors": tensors_of(self)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict` of the same recipe, with any number of ranks."""
        restore(self, state["tensors"])
        self.engine = self._new_engine()  # a recorded step knows the optimisers' state by its place
        self.step = int(state["step"])

    def load_networks(self, tensors: Mapping[str, Tensor]) -> None:
        """Start from the networks of another run ("generator.…", "discriminator.…"), with fresh optimisers.

        Stabilizers may differ from that run's: layers that they add start afresh.
        """
        self.generator.load_state_dict(under(tensors, "generator"))
        carry_over(under(tensors, "discriminator"), self.discriminator)
        if self.average is not None:
            self.average.load_state_dict(under(tensors, "generator"))
