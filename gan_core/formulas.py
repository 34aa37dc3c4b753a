"""A recipe's mathematics as LaTeX: what the networks minimise, how their weights move, where the noise comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gan_core.recipes.recipe import Latents, Optimizer
from gan_core.regularizers import Penalty
from gan_core.terms import Term


@dataclass(frozen=True)
class Algorithm:
    """One way to follow a gradient; ``formula`` is one update, line by line."""

    title: str
    summary: str
    formula: tuple[str, ...]
    source: str


# One update at step t with gradient g; the rate η(t) is the schedule's.
ALGORITHMS: Mapping[str, Algorithm] = {
    "adam": Algorithm(
        "Adam", "Gives each weight steps of a size of its own; what every report used.",
        (
            r"m_t = \beta_1 m_{t-1} + (1-\beta_1)\,g_t,\qquad v_t = \beta_2 v_{t-1} + (1-\beta_2)\,g_t^2",
            r"\theta_t = \theta_{t-1} - \eta(t)\,\frac{m_t/(1-\beta_1^t)}{\sqrt{v_t/(1-\beta_2^t)} + \varepsilon}",
        ),
        "Kingma & Ba 2015, algorithm 1",
    ),
    "rmsprop": Algorithm(
        "RMSprop", "Scales steps as Adam does, with less memory; helps where momentum makes two players circle.",
        (
            r"v_t = \beta_2 v_{t-1} + (1-\beta_2)\,g_t^2,\qquad "
            r"m_t = \beta_1 m_{t-1} + \frac{g_t}{\sqrt{v_t}+\varepsilon}",
            r"\theta_t = \theta_{t-1} - \eta(t)\,m_t",
        ),
        "Hinton et al. 2012, lecture 6e",
    ),
    "sgd": Algorithm(
        "SGD", "Follows the gradient as it is, with momentum; helps to see what the other two change.",
        (
            r"m_t = \beta_1 m_{t-1} + g_t",
            r"\theta_t = \theta_{t-1} - \eta(t)\,m_t",
        ),
        "Polyak 1964, heavy-ball momentum",
    ),
}  # fmt: skip


def number(value: float) -> str:
    """A number as people write it: 0.5, 2·10⁻⁴."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    power = math.floor(math.log10(abs(value)))
    factor = f"{value / 10**power:.6g}"
    return rf"10^{{{power}}}" if factor == "1" else rf"{factor}\cdot 10^{{{power}}}"


def loss(player: str, terms: Sequence[Term]) -> str:
    """The weighted sum that a player minimises, over its terms ℓ₁, ℓ₂, … in order; a weight of 0 takes part in it.

    The weight of an annealed term is its first one times a(t): see :func:`annealing`.
    """
    name = {"generator": "G", "discriminator": "D"}[player]
    parts = [
        _weight(term, index) + rf"\mathbb{{E}}\bigl[\ell^{name}_{{{index}}}\bigr]"
        for index, term in enumerate(terms, 1)
    ]
    return rf"\min_{{\theta_{name}}}\; \mathcal{{L}}_{name} = " + " + ".join(parts)


def _weight(term: Term, index: int) -> str:
    """A term's factor in the loss, with the space after it; nothing for 1."""
    factors = ["" if term.weight == 1 else number(term.weight), rf"a_{{{index}}}(t)" if annealing(term, index) else ""]
    return "".join(rf"{factor}\;" for factor in factors if factor)


def annealing(term: Term, index: int) -> str:
    """a(t), the share of its weight that an annealed penalty has at step t of T; "" for a term that keeps all of it."""
    if not isinstance(term, Penalty) or term.final_share == 1:
        return ""
    left = rf"{number(term.final_share)} + {number(1 - term.final_share)}\;" if term.final_share else ""
    return rf"a_{{{index}}}(t) = {left}\tfrac{{1 + \cos(\pi t/T)}}{{2}}"


def term(player: str, index: int, formula: str) -> str:
    """One term's formula with its name, ℓ₁ the first."""
    name = {"generator": "G", "discriminator": "D"}[player]
    return rf"\ell^{name}_{{{index}}} = {formula}"


def optimizer(config: Optimizer) -> tuple[str, ...]:
    """One update of the weights, line by line."""
    return ALGORITHMS[config.algorithm].formula


def optimizer_values(config: Optimizer) -> str:
    """The numbers that stand in :func:`optimizer`."""
    values = [rf"\eta_0 = {number(config.learning_rate)}", rf"\beta_1 = {number(config.beta1)}"]
    if config.algorithm != "sgd":
        values += [rf"\beta_2 = {number(config.beta2)}", rf"\varepsilon = {number(config.epsilon)}"]
    return r",\quad ".join(values)


def latents(config: Latents) -> str:
    """The distribution of z."""
    if config.distribution == "normal":
        return rf"z \sim \mathcal{{N}}\bigl(0, I_{{{config.size}}}\bigr)"
    return rf"z \sim \mathcal{{U}}\bigl([-1, 1]^{{{config.size}}}\bigr)"


def data_range(pixel_range: tuple[float, float], image_shape: tuple[int, int, int]) -> str:
    """Where the pictures live: C × H × W values in the generator's range."""
    low, high = pixel_range
    size = r" \times ".join(str(side) for side in image_shape)
    return rf"x,\; G(z) \in [{number(low)}, {number(high)}]^{{{size}}}"
