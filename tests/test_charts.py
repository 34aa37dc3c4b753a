"""The pure functions behind the figures."""

from pathlib import Path

import numpy as np
import pytest

from gan_core.history import History
from gan_core.recipes import find_recipe
from gan_core.runs import Run
from pages.ui import charts
from pages.ui.run_learning import charts_of, newest


def test_short_curves_are_left_as_they_are() -> None:
    x, y = np.arange(10.0), np.arange(10.0) ** 2
    kept_x, kept_y = charts.decimate(x, y, 10)
    assert kept_x.tolist() == x.tolist()
    assert kept_y.tolist() == y.tolist()


@pytest.mark.parametrize("count", [1001, 1002, 5000, 99_999])
@pytest.mark.parametrize("limit", [4, 5, 1000])
def test_decimation_keeps_ends_extremes_and_order(count: int, limit: int) -> None:
    y = np.random.default_rng(count).normal(size=count)
    y[count // 3], y[count // 2] = 50.0, -50.0
    kept_x, kept_y = charts.decimate(np.arange(count), y, limit)
    assert len(kept_x) <= limit
    assert (np.diff(kept_x) > 0).all()
    assert (kept_x[0], kept_x[-1]) == (0, count - 1)
    assert kept_y.max() == 50.0
    assert kept_y.min() == -50.0
    assert (y[kept_x.astype(int)] == kept_y).all()


def test_every_slice_keeps_its_own_spike() -> None:
    y = np.zeros(100_000)
    spikes = np.arange(500, 100_000, 1000)
    y[spikes] = 1.0
    kept_x, kept_y = charts.decimate(np.arange(100_000), y, 1000)
    assert set(spikes) <= set(kept_x[kept_y == 1.0].astype(int))


def test_decimation_does_not_take_gaps_for_extremes() -> None:
    y = np.full(5000, np.nan)
    y[1234], y[4321] = -3.0, 3.0
    _, kept = charts.decimate(np.arange(5000), y, 100)
    assert np.nanmin(kept) == -3.0
    assert np.nanmax(kept) == 3.0


def test_a_limit_too_small_for_ends_and_extremes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        charts.decimate([1, 2, 3], [1, 2, 3], 3)


def test_smoothing_by_hand() -> None:
    # Averages 0.5·0 + 0.5·2 = 1 and 0.5·1 + 0.5·4 = 2.5, divided by the weight they have seen: 1/2 and 3/4.
    assert charts.smooth([2.0, 4.0], 0.5).tolist() == pytest.approx([2.0, 2.5 / 0.75])


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9, 0.999])
def test_smoothing_leaves_a_constant_where_it_is(weight: float) -> None:
    assert charts.smooth(np.full(300, 7.0), weight) == pytest.approx(7.0)


def test_smoothing_is_linear() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 50))
    both = charts.smooth(2 * first + 3 * second, 0.8)
    assert both == pytest.approx(2 * charts.smooth(first, 0.8) + 3 * charts.smooth(second, 0.8))


def test_smoothing_steps_over_gaps() -> None:
    smooth = charts.smooth([1.0, np.nan, 3.0], 0.5)
    assert np.isnan(smooth[1])
    assert smooth[[0, 2]] == pytest.approx(charts.smooth([1.0, 3.0], 0.5))


HISTORY = {"step": [0, 10, 20], "loss_g": [1.0, 2.0, 3.0], "loss_d": [3.0, None, 1.0]}


def test_unmeasured_values_are_not_drawn_as_gaps() -> None:
    figure = charts.loss_curves(HISTORY, ["loss_d"])
    assert list(figure.data[0].x) == [0, 20]
    assert list(figure.data[0].y) == [3.0, 1.0]


def test_columns_that_the_run_lacks_are_left_out() -> None:
    assert [curve.name for curve in charts.loss_curves(HISTORY, {"loss_g": "G", "coverage": "Coverage"}).data] == ["G"]
    assert not charts.loss_curves({}, ["loss_g"]).data


def test_each_network_keeps_its_colour_whatever_else_is_drawn() -> None:
    colours = {
        curve.name: curve.line.color
        for keys in (["loss_g", "loss_d"], ["loss_d", "loss_g"])
        for curve in charts.loss_curves(HISTORY, keys).data
    }
    assert colours == {"Generator loss": charts.BLUE, "Discriminator loss": charts.ORANGE}


def test_smoothing_draws_the_raw_values_faintly_behind() -> None:
    raw, bold = charts.loss_curves(HISTORY, ["loss_g"], smoothing=0.5).data
    assert list(raw.y) == HISTORY["loss_g"]
    assert raw.opacity < 0.5
    assert not raw.showlegend
    assert bold.line.width > raw.line.width
    assert bold.y[-1] == pytest.approx(charts.smooth(HISTORY["loss_g"], 0.5)[-1])


def test_a_long_run_draws_at_most_a_thousand_points_a_curve() -> None:
    steps = list(range(50_000))
    for curve in charts.loss_curves({"step": steps, "loss_g": steps}, ["loss_g"], smoothing=0.9).data:
        assert len(curve.x) <= 1000


def test_logarithmic_axis() -> None:
    assert charts.loss_curves(HISTORY, ["loss_g"], log_y=True).layout.yaxis.type == "log"


def test_overlay_tells_more_runs_apart_than_there_are_colours() -> None:
    curves = {f"run {number}": ([0, 1, 2], [1.0, 2.0, 3.0]) for number in range(10)}
    looks = [(curve.line.color, curve.line.dash) for curve in charts.overlay(curves).data]
    assert len(set(looks)) == 10


def test_bars_keep_their_order_and_their_names() -> None:
    figure = charts.bars({"9": 0.2, "10": 0.8}, unit="%", reference=0.5)
    assert list(figure.data[0].x) == ["9", "10"]
    assert figure.layout.xaxis.type == "category"
    assert figure.layout.shapes[0].y0 == 0.5


def contrast(first: str, second: str) -> float:
    """WCAG contrast of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", charts.SERIES)
def test_colours_stand_out_on_light_and_on_dark(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(charts.DARK_SHADES[colour], "#14141c") >= 3


def test_strips_have_a_dot_for_each_run_and_a_stroke_at_the_mean() -> None:
    figure = charts.strips({"plain": {"seed 1": 2.0, "seed 2": 4.0}, "alone": {"seed 1": 9.0}}, reference=10.0)
    dots, stroke, alone, none = figure.data
    assert list(dots.x) == [2, 4] and list(dots.text) == ["seed 1", "seed 2"] and list(stroke.x) == [3.0]
    assert list(alone.x) == [9] and not list(none.x), "the mean of one run is that run"
    band, reference = figure.layout.shapes
    assert (band.x0, band.x1, reference.x0, reference.x1) == (2, 4, 10, 10)
    assert figure.layout.yaxis.autorange == "reversed" and list(figure.layout.yaxis.categoryarray) == ["plain", "alone"]


def test_a_run_is_drawn_anew_only_where_it_has_gone_on(tmp_path: Path) -> None:
    recipe, history = find_recipe("fc_gan"), History()
    run = Run(tmp_path / "run")

    def drawn(smoothing: float = 0.6, language: str = "en") -> object:
        return charts_of(newest(run, history), smoothing, False, language, history, recipe)

    def learn(step: int) -> None:
        values = {"loss_g": 1.0 / step, "loss_d": 1.0}
        history.add({"event": "scalars", "step": step, "epoch": step, "seconds": step, "values": values})

    learn(1)
    first = drawn()
    assert drawn() is first
    assert drawn(smoothing=0.5) is not first and drawn(language="zh") is not first
    learn(2)
    assert drawn() is not first
    run = Run(tmp_path / "another")
    assert drawn() is not first
