"""How training steps are executed: one kernel after another as Python asks for them, or recorded once and replayed.

Small networks leave a GPU waiting for Python. There the whole step (D's updates, G's, the running averages, the sums
of the curves) is recorded as a CUDA graph and replayed with one call. Both ways run the very same function; the
recorded one reads a :class:`~gan_core.feed.DeviceFeed`, whose numbers and batches change in place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch
from torch import nn

from gan_core.feed import Batches, DeviceFeed, Feed, HostFeed
from gan_core.meter import Meter

WARM_UP_STEPS = 3  # which a step's libraries and buffers need before it can be recorded; they count as training
RESTS = "This recipe lets D rest, which each step decides anew; so the GPU is told each step by itself."
BRANCHES = "This recipe sorts pictures by class within a step; so the GPU is told each step by itself."
MAPPED = "The pictures do not fit into the GPU's memory; so the GPU is told each step by itself."
RANKS = "Several processes train this run; so each GPU is told each step by itself."
SHORT = "The data set has fewer batches than D has updates in a step; so the GPU is told each step by itself."
REFUSED = "The GPU could not record this recipe's step; so it is told each step by itself. The run's log says why."
REASONS = (RESTS, BRANCHES, MAPPED, RANKS, SHORT, REFUSED)
TakeStep = Callable[[Feed], None]

log = logging.getLogger(__name__)


class Engine(Protocol):
    """Executes steps; ``notice`` says why a GPU is not used as well as it could be, "" where it is."""

    @property
    def notice(self) -> str: ...

    def run(self, step: int) -> None:
        """Take that step, counted from 0; returns before the device is done."""
        ...


class Eager:
    """Each kernel when Python comes to it: the reference that every other engine must equal."""

    def __init__(self, take_step: TakeStep, batches: Batches, total_steps: int, notice: str = "") -> None:
        self.notice = notice
        self._take_step, self._feed = take_step, HostFeed(batches, total_steps)

    def run(self, step: int) -> None:
        self._feed.seek(step)
        self._take_step(self._feed)


class CudaGraph:
    """The step as a CUDA graph, recorded after some steps and then replayed.

    There is one graph with instance noise and one without, since the noise may end within a run. Random numbers go on
    where they were: the generators are registered with the graph, and each replay moves them on as the step would.
    """

    def __init__(
        self,
        take_step: TakeStep,
        batches: Batches,
        total_steps: int,
        meter: Meter,
        generators: Sequence[torch.Generator],
    ) -> None:
        self.notice = ""
        device = batches.dataset.labels.device
        self._take_step, self._meter, self._generators = take_step, meter, generators
        self._feed = DeviceFeed(batches, total_steps, device)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graphs: dict[bool, tuple[torch.cuda.CUDAGraph, Sequence[int]]] = {}
        self._warm = 0

    def run(self, step: int) -> None:
        self._feed.seek(step)
        noisy = self._feed.noisy
        if self._warm < WARM_UP_STEPS or self.notice:
            self._warm += 1
            self._run_aside()
            return
        if noisy not in self._graphs and not self._record(noisy):
            self._run_aside()
            return
        graph, counts = self._graphs[noisy]
        graph.replay()
        self._meter.count(counts)

    def _whole_step(self) -> None:
        self._feed.begin()
        self._take_step(self._feed)
        self._feed.end()

    def _run_aside(self) -> None:
        """The step at once, on the stream that it is recorded on, so that its libraries have their workspace there."""
        here = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            self._whole_step()
        here.wait_stream(self._stream)

    def _record(self, noisy: bool) -> bool:
        """Record the step without taking it; False, and a notice from then on, where that cannot be."""
        graph, counts = torch.cuda.CUDAGraph(), self._meter.counts()
        # A recording that breaks off leaves a generator unusable; these copies of their states stand in.
        spares = [generator.clone_state() for generator in self._generators]
        try:
            for generator in self._generators:
                graph.register_generator_state(generator)
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._whole_step()
        except RuntimeError:
            log.exception("the step cannot be recorded as a CUDA graph")
            for generator, spare in zip(self._generators, spares, strict=True):
                generator.graphsafe_set_state(spare)
            self._meter.restore_counts(counts)
            self.notice = REFUSED
            return False
        counted = [after - before for before, after in zip(counts, self._meter.counts(), strict=True)]
        self._graphs[noisy] = graph, counted
        self._meter.restore_counts(counts)
        return True


def why_eager(batches: Batches, modules: Iterable[nn.Module], ranks: int) -> str:
    """Why a GPU cannot replay the steps of a recipe; "" where it can."""
    if batches.recipe.stabilizers.skip_above:
        return RESTS
    if any(getattr(layer, "waits_for_device", False) for module in modules for layer in module.modules()):
        return BRANCHES
    if not batches.dataset.resident:
        return MAPPED
    if ranks > 1:
        return RANKS
    return "" if DeviceFeed.fits(batches) else SHORT
