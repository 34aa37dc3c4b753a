"""A shared page, opened from the disk by a browser without a network: it draws what the workbench draws."""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from gan_core import latent, library
from gan_core.checkpoints import Bundle, BundleInfo
from gan_core.data import DIGITS
from gan_core.favourites import Favourite
from gan_core.recipes import RECIPES
from gan_core.sampling import draw_latents
from gan_core.sharing import onnx_model
from gan_core.sharing.onnx_model import to_onnx
from gan_core.sharing.page import FIRST, SEED, page
from gan_core.trainer import build_networks
from tests.made_runs import make_run
from tests.small import small_recipe

Opened = Callable[..., Page]
TOLERANCE = 1e-4
ENGINE = Path(onnx_model.__file__).with_name("onnxruntime")
QUICK = ("fc_gan", "house_small")  # beside the shipped cgan: dense layers, and all that residual nets are made of


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens a page's bytes as a file, offline; fails where it asked for anything but that file or said an error."""
    heard: list[str] = []
    contexts = []

    def open_page(data: bytes, **options: Any) -> Page:
        file = tmp_path / "model.html"
        file.write_bytes(data)
        context = browser.new_context(offline=True, **{"locale": "en-US", **options})
        contexts.append(context)
        shown = context.new_page()
        shown.on("request", lambda request: None if request.url == file.as_uri() else heard.append(request.url))
        shown.on("console", lambda message: heard.append(message.text))
        shown.on("pageerror", lambda error: heard.append(str(error)))
        shown.goto(file.as_uri())
        shown.wait_for_selector("html[data-ready]", state="attached", timeout=120_000)
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def drawn(shown: Page, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """What the page's generator answers, (n, C·H·W)."""
    rows = shown.evaluate(
        "async ([z, labels]) => (await gan.draw(z.map((row) => Float32Array.from(row)), "
        "labels && labels.map((row) => Float32Array.from(row)))).map((picture) => [...picture])",
        [z.tolist(), labels.tolist() if labels is not None else None],
    )
    return torch.tensor(rows)


def class_weights(bundle: Bundle, count: int) -> torch.Tensor | None:
    """Whole classes, then mixtures."""
    classes = bundle.info.shapes.classes
    if not bundle.info.recipe.conditional:
        return None
    whole = torch.eye(classes).repeat(-(-count // classes), 1)[: count // 2]
    mixed = torch.rand(count - len(whole), classes, generator=torch.Generator().manual_seed(3))
    return torch.cat([whole, mixed / mixed.sum(1, keepdim=True)])


def assert_alike(shown: Page, bundle: Bundle) -> None:
    z = draw_latents(bundle.info.recipe.latents, SEED, 6)
    labels = class_weights(bundle, len(z))
    with torch.inference_mode():
        wanted = bundle.generator(z, labels).flatten(1)
    assert wanted.std() > 1e-3
    torch.testing.assert_close(drawn(shown, z, labels), wanted, atol=TOLERANCE, rtol=0)


def small_bundle(name: str) -> Bundle:
    """Narrow networks of a recipe, with their first weights but batch statistics that are not the identity."""
    recipe = small_recipe(name)
    shapes = recipe.shapes((1, 28, 28), len(DIGITS))
    generator, _discriminator = build_networks(recipe, shapes, 1)
    source = torch.Generator().manual_seed(2)
    for key, buffer in generator.named_buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5 if key.endswith("var") else -0.5, 1.5 if key.endswith("var") else 0.5, generator=source)
    for key, weight in generator.named_parameters():
        weight.data.mul_(40 if "embedding" in key else 1)
    info = BundleInfo(recipe, 0, 0.0, shapes.image, DIGITS[: shapes.classes or len(DIGITS)], recipe.dataset)
    return Bundle(info, generator.eval().requires_grad_(False), None)


@functools.cache
def shipped_page() -> tuple[Bundle, bytes]:
    bundle = library.open_model("cgan")
    favourite = Favourite("My seven", "cgan", seed=9, index=4, label=7)
    return bundle, page(bundle, to_onnx(bundle), library.run_of("cgan"), [favourite])


@functools.cache
def small_graph(name: str) -> tuple[Bundle, bytes]:
    """The exporter takes seconds, so each network passes through it once."""
    bundle = small_bundle(name)
    return bundle, to_onnx(bundle)


def small_page(name: str) -> tuple[Bundle, bytes]:
    bundle, graph = small_graph(name)
    return bundle, page(bundle, graph)


def test_the_shipped_conditional_gan_draws_the_same_digits_within_the_size(opened: Opened) -> None:
    bundle, data = shipped_page()
    assert len(data) < 15 * 2**20
    shown = opened(data)
    assert_alike(shown, bundle)
    first = torch.tensor(shown.evaluate("[...Array(64).keys()].map((index) => [...gan.latent(0, index)])"))
    assert torch.equal(first, draw_latents(bundle.info.recipe.latents, SEED, FIRST))
    own = torch.tensor(shown.evaluate("[...gan.latent(-1, 0)]"))
    assert torch.equal(own, draw_latents(bundle.info.recipe.latents, 9, 1, 4)[0])

    # The digit that a reader asks for, on the canvas as the workbench rounds it.
    shown.get_by_role("radio", name="7", exact=True).check()
    tile = shown.get_by_role("button", name=re.compile("^Picture 3: 7"))
    with torch.inference_mode():
        wanted = bundle.generator(draw_latents(bundle.info.recipe.latents, SEED, 1, 2), torch.tensor([7]))
    levels = ((wanted + 1) * 127.5).flatten()
    expect_levels(shown, tile.locator("canvas").element_handle(), levels)

    # The walk goes to what was chosen last, and everything is in the address.
    tile.click()
    expect(tile).to_have_attribute("aria-label", "Picture 3: 7, To")
    shown.get_by_role("button", name="My seven").click()
    expect(tile).to_have_attribute("aria-label", "Picture 3: 7, From")
    expect(shown.locator("#share")).to_have_text("100 %")
    assert "class=7" in shown.url and "walk=0.2.7%2C-1.0.7" in shown.url

    # The training: its sheets and curves, step by step with the keyboard.
    slider = shown.get_by_role("slider", name="Moment of the training")
    slider.focus()
    slider.press("Home")
    expect(shown.locator("#when")).to_have_text("Epoch 0, step 0")
    assert shown.locator("#moment").evaluate("(picture) => picture.naturalWidth") > 0
    expect(shown.locator(".chart path")).to_have_count(4)

    shown.get_by_role("button", name="简体中文").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("条件 GAN")
    expect(shown.locator("html")).to_have_attribute("lang", "zh-CN")


def expect_levels(shown: Page, canvas: Any, levels: torch.Tensor) -> None:
    """The canvas' grey levels are ``levels`` (28·28), each rounded; one that lies half way may go to either side."""
    read = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, at) => at % 4 === 0)"
    for _ in range(100):
        found = torch.tensor(shown.evaluate(read, canvas))
        if (found - levels).abs().max() <= 0.51:
            return
        shown.wait_for_timeout(100)
    raise AssertionError(f"the canvas differs by up to {(found - levels).abs().max():.3g} levels")


@pytest.mark.parametrize(
    "name",
    [pytest.param(one.name, marks=() if one.name in QUICK else pytest.mark.slow) for one in RECIPES],
)
def test_every_recipe_draws_the_same_pictures(name: str, opened: Opened) -> None:
    bundle, data = small_page(name)
    assert_alike(opened(data), bundle)


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
def test_the_walk_is_the_workbenchs_own(distribution: str, opened: Opened) -> None:
    name = {"normal": "cgan", "uniform": "fc_gan"}[distribution]
    bundle, data = small_page(name)
    assert bundle.info.recipe.latents.distribution == distribution
    shown = opened(data)
    ends = draw_latents(bundle.info.recipe.latents, SEED, 2)
    shares = torch.tensor([0.0, 1e-9, 0.01, 0.25, 0.5, 0.8, 1.0], dtype=torch.float64)
    wanted = latent.matched(ends, torch.stack([1 - shares, shares], 1), distribution)
    walk = "(shares) => shares.map((share) => [...gan.matched(gan.latent(0, 0), gan.latent(0, {}), share, '{}')])"
    found = torch.tensor(shown.evaluate(walk.format(1, distribution), shares.tolist()))
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    still = torch.tensor(shown.evaluate(walk.format(0, distribution), shares.tolist()))
    assert torch.equal(still, ends[:1].expand_as(still))


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
def test_the_pages_own_noise_has_the_models_distribution(distribution: str, opened: Opened) -> None:
    """Mean, spread, fourth moment and the lack of ties between neighbours, at five standard errors."""
    _bundle, data = small_page({"normal": "cgan", "uniform": "fc_gan"}[distribution])
    shown = opened(data)
    rows = "Array.from({length: 400}, (_, index) => [...gan.latent(1 + index % 4, Math.floor(index / 4))])"
    z = torch.tensor(shown.evaluate(rows), dtype=torch.float64)
    variance, fourth, error = (1.0, 3.0, 96.0) if distribution == "normal" else (1 / 3, 1 / 5, 16 / 225)
    count = z.numel()
    assert abs(z.mean()) < 5 * (variance / count) ** 0.5
    assert abs((z**2).mean() - variance) < 5 * ((fourth - variance**2) / count) ** 0.5
    assert abs((z**4).mean() - fourth) < 5 * (error / count) ** 0.5
    assert abs((z[:, 1:] * z[:, :-1]).mean()) < 5 * variance / count**0.5
    assert abs((z[1:] * z[:-1]).mean()) < 5 * variance / count**0.5


def test_names_that_look_like_markup_stay_text(opened: Opened) -> None:
    run = make_run("cgan", name="</script><script>document.title='caught'</script>")
    name = "</script><img src=x onerror=alert(1)>"
    bundle, graph = small_graph("cgan")
    shown = opened(page(bundle, graph, run, [Favourite(name, "", 1, 0, 3)]))
    expect(shown.locator("#favourites span")).to_have_text(name)
    assert shown.title() == "Conditional GAN"


def test_a_phone_scrolls_in_one_direction_only(opened: Opened) -> None:
    shown = opened(shipped_page()[1], viewport={"width": 390, "height": 844})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_engine_is_the_packages_own() -> None:
    """The table in its README has the checksums of the files that the package ships."""
    sums = dict(re.findall(r"\| `(\S+)` \| `([0-9a-f]{64})` \|", (ENGINE / "README.md").read_text(encoding="utf-8")))
    module, binary = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
    assert sums[module] == hashlib.sha256((ENGINE / module).read_bytes()).hexdigest()
    unpacked = gzip.decompress((ENGINE / f"{binary}.gz").read_bytes())
    assert sums[binary] == hashlib.sha256(unpacked).hexdigest()
