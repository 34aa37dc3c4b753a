"""Learning rates as pure functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from gan_core.config import Validated, setting


@dataclass(frozen=True)
class Constant(Validated):
    """The same rate throughout."""

    kind: ClassVar[str] = "constant"
    title: ClassVar[str] = "Constant"
    formula: ClassVar[str] = r"\eta(t) = \eta_0"
    summary: ClassVar[str] = "The same rate throughout, as most GANs are trained."
    source: ClassVar[str] = "Radford et al. 2016, §4"

    def rate(self, base: float, step: int, total: int) -> float:
        """Learning rate at ``step`` (from 0) of ``total``, starting from ``base``."""
        return base


@dataclass(frozen=True)
class StepDecay(Validated):
    """Multiplied by a factor after every so many steps."""

    kind: ClassVar[str] = "step_decay"
    title: ClassVar[str] = "Step decay"
    formula: ClassVar[str] = r"\eta(t) = \eta_0\, f^{\lfloor t / s \rfloor}"
    summary: ClassVar[str] = "Falls at once after every so many steps; helps where the losses no longer get better."
    source: ClassVar[str] = "He et al. 2016, §3.4"
    every: int = setting(10_000, title="Every", help="Steps between two reductions.", minimum=1, unit="steps")
    factor: float = setting(0.5, title="Factor", help="What the rate is multiplied by.", minimum=1e-4, maximum=1.0)

    def rate(self, base: float, step: int, total: int) -> float:
        return base * math.pow(self.factor, step // self.every)


@dataclass(frozen=True)
class Polynomial(Validated):
    """From the base to a final share of it along (1 - t/T)^p; p = 1 is a straight line."""

    kind: ClassVar[str] = "polynomial"
    title: ClassVar[str] = "Polynomial"
    formula: ClassVar[str] = r"\eta(t) = \eta_0\,\bigl(e + (1-e)(1 - t/T)^p\bigr)"
    summary: ClassVar[str] = "Falls steadily to the end; helps the last pictures settle."
    source: ClassVar[str] = "Gulrajani et al. 2017, for their residual networks, with p = 1"
    end: float = setting(0.0, title="Final share", help="Share of the first rate left at the end.",
                         minimum=0.0, maximum=1.0)
    power: float = setting(1.0, title="Power", help="1 is a straight line.", minimum=0.1, maximum=10.0)

    def rate(self, base: float, step: int, total: int) -> float:
        left = 1 - min(step / max(total, 1), 1.0)
        return base * (self.end + (1 - self.end) * math.pow(left, self.power))


@dataclass(frozen=True)
class Cosine(Validated):
    """Half a cosine from the base to a final share of it (Loshchilov & Hutter 2017, without restarts)."""

    kind: ClassVar[str] = "cosine"
    title: ClassVar[str] = "Cosine"
    formula: ClassVar[str] = r"\eta(t) = \eta_0\,\bigl(e + (1-e)\tfrac{1 + \cos(\pi t/T)}{2}\bigr)"
    summary: ClassVar[str] = "Stays high for long, then lands softly; helps where the length of the run is known."
    source: ClassVar[str] = "Loshchilov & Hutter 2017, eq. 5, without restarts"
    end: float = setting(0.0, title="Final share", help="Share of the first rate left at the end.",
                         minimum=0.0, maximum=1.0)

    def rate(self, base: float, step: int, total: int) -> float:
        done = min(step / max(total, 1), 1.0)
        return base * (self.end + (1 - self.end) * (1 + math.cos(math.pi * done)) / 2)


@dataclass(frozen=True)
class Hyperbolic(Validated):
    """R4's dynamic learning rate, end + 1/(init_set + gamma·t); init_set follows from the base: 1/(base - end)."""

    kind: ClassVar[str] = "hyperbolic"
    title: ClassVar[str] = "Hyperbolic"
    formula: ClassVar[str] = r"\eta(t) = \eta_{end} + \frac{1}{s + \gamma t},\quad s = \frac{1}{\eta_0 - \eta_{end}}"
    summary: ClassVar[str] = "Falls fast at first and never below its last rate; helps to leave the start quickly."
    source: ClassVar[str] = "Report R4, the dynamic learning rate"
    end: float = setting(2e-4, title="Final rate", help="What the rate decays to.", minimum=0.0, maximum=1.0)
    gamma: float = setting(10.0, title="Gamma", help="How fast it decays.", minimum=0.0, maximum=1e6)

    def rate(self, base: float, step: int, total: int) -> float:
        if base <= self.end:
            return base
        return self.end + 1 / (1 / (base - self.end) + self.gamma * step)


Schedule = Constant | StepDecay | Polynomial | Cosine | Hyperbolic
SCHEDULES: tuple[type, ...] = (Constant, StepDecay, Polynomial, Cosine, Hyperbolic)
