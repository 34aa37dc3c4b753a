"""Learning rates: the values that the formulas give by hand."""

from __future__ import annotations

import math

import pytest

from gan_core.config import UserError
from gan_core.schedules import SCHEDULES, Constant, Cosine, Hyperbolic, Polynomial, StepDecay


def test_constant_and_steps() -> None:
    assert Constant().rate(0.1, 10_000, 10) == 0.1
    decay = StepDecay(every=10, factor=0.5)
    assert [decay.rate(0.8, step, 100) for step in (0, 9, 10, 19, 20)] == [0.8, 0.8, 0.4, 0.4, 0.2]


def test_polynomial_and_cosine_meet_their_ends() -> None:
    for schedule in (Polynomial(end=0.1, power=2.0), Cosine(end=0.1)):
        assert schedule.rate(2.0, 0, 100) == pytest.approx(2.0)
        assert schedule.rate(2.0, 100, 100) == schedule.rate(2.0, 1000, 100) == pytest.approx(0.2)
    assert Polynomial().rate(1.0, 25, 100) == pytest.approx(0.75)
    assert Cosine().rate(1.0, 50, 100) == pytest.approx(0.5)
    assert Cosine().rate(1.0, 25, 100) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


def test_hyperbolic_is_the_dynamic_rate_of_the_report() -> None:
    """LR(t) = 0.0002 + 1 / (3000 + 10 t)."""
    schedule, base = Hyperbolic(end=2e-4, gamma=10), 2e-4 + 1 / 3000
    for step in (0, 1, 100, 10_000):
        assert schedule.rate(base, step, 1) == pytest.approx(2e-4 + 1 / (3000 + 10 * step), rel=1e-12)
    assert Hyperbolic(end=0.5).rate(0.1, 5, 10) == 0.1  # nothing to decay


@pytest.mark.parametrize("kind", SCHEDULES)
def test_rates_never_rise_and_stay_positive(kind: type) -> None:
    rates = [kind().rate(1e-3, step, 1000) for step in range(0, 1000, 50)]
    assert rates == sorted(rates, reverse=True)
    assert all(rate > 0 for rate in rates)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UserError, match=r"StepDecay\.factor"):
        StepDecay(factor=1.5)
