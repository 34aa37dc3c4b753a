"""Generators that others trained: drawn exactly as their own code draws them, and refused where they contradict."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import save_file
from torch import Tensor, nn

from gan_core.checkpoints import load_bundle, read_bundle_info, rewrite_bundle
from gan_core.cli import main
from gan_core.config import UserError, from_dict, to_dict
from gan_core.contracts import Shapes
from gan_core.data import find_dataset
from gan_core.explore import Anchor, InterpolationRequest, SampleRequest, pictures
from gan_core.fitting import check_fit
from gan_core.hub.card import model_card
from gan_core.hub.download import pull
from gan_core.hub.reference import HubReference
from gan_core.images import read_png
from gan_core.library import describe, open_model, uploads_dir
from gan_core.models import GENERATORS
from gan_core.models.layered import LAYERS, BatchNorm, LayeredGeneratorConfig, Linear
from gan_core.recipes import RECIPES
from gan_core.recipes.recipe import KINDS
from gan_core.uploads import save_upload
from tests.hub.conftest import hub  # noqa: F401 (a fixture)
from tests.hub.fake_hub import FakeHub
from tests.pages.opened import open_page
from tests.small import small_recipe

BASE: dict[str, Any] = {"z_size": 6, "prior": "normal", "classes": 0, "image_shape": [1, 8, 8]}
DCGAN: list[dict[str, Any]] = [
    {"kind": "reshape", "shape": [6, 1, 1]},
    {"kind": "conv_transpose", "inputs": 6, "outputs": 4, "kernel": 4, "bias": False},
    {"kind": "batch_norm", "features": 4},
    {"kind": "activation", "function": "relu"},
    {"kind": "conv_transpose", "inputs": 4, "outputs": 1, "kernel": 4, "stride": 2, "padding": 1, "bias": False},
    {"kind": "activation", "function": "tanh"},
]

EMBEDDED: list[dict[str, Any]] = [
    {"kind": "linear", "inputs": 11, "outputs": 16, "name": "model.0"},
    {"kind": "batch_norm", "features": 16, "epsilon": 0.8, "name": "model.1"},
    {"kind": "activation", "function": "leaky_relu", "slope": 0.2},
    {"kind": "linear", "inputs": 16, "outputs": 64, "name": "model.3"},
    {"kind": "activation", "function": "tanh"},
]


class PlainDcgan(nn.Module):
    """As PyTorch's own tutorial writes it: one nn.Sequential called main."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(6, 4, 4, bias=False), nn.BatchNorm2d(4), nn.ReLU(True),
            nn.ConvTranspose2d(4, 1, 4, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.main(z[:, :, None, None])
        return images


class EmbeddedLabels(nn.Module):
    """A conditional generator that puts an embedding before the noise."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(classes, 5)
        self.model = nn.Sequential(nn.Linear(11, 16), nn.BatchNorm1d(16, 0.8), nn.LeakyReLU(0.2), nn.Linear(16, 64),
                                   nn.Tanh())  # fmt: skip

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        images: Tensor = self.model(torch.cat([self.label_emb(labels), z], 1)).view(-1, 1, 8, 8)
        return images


def trained(module: nn.Module) -> nn.Module:
    """Any numbers in all weights and statistics, so that none of them could be left out unnoticed."""
    source = torch.Generator().manual_seed(3)
    for value in module.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.1, 1.0, generator=source).mul_(0.5)
    return module.eval()


def write(
    folder: Path, module: nn.Module, declared: dict[str, Any], name: str = "config.json", **extra: Tensor
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({**module.state_dict(), **extra}, folder / "model.safetensors")
    (folder / name).write_text(json.dumps(declared))
    return folder / "model.safetensors"


def noise(count: int = 5, size: int = 6) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["config.json", "generator.json", "model.json"])
def test_a_list_of_layers_draws_what_its_own_code_draws(name: str, tmp_path: Path) -> None:
    theirs = trained(PlainDcgan())
    bundle = load_bundle(write(tmp_path, theirs, {**BASE, "architecture": DCGAN}, name))
    assert torch.equal(bundle.generator(noise()), theirs(noise()))
    assert bundle.discriminator is None and bundle.info.image_shape == (1, 8, 8)
    assert bundle.info.recipe.generator.pixel_range == (-1.0, 1.0)


def test_labels_choose_what_their_own_code_chooses(tmp_path: Path) -> None:
    theirs = trained(EmbeddedLabels())
    declared = {**BASE, "classes": ["a", "b", "c"], "architecture": EMBEDDED, "label_width": 5,
                "label_place": "before"}  # fmt: skip
    bundle = load_bundle(write(tmp_path, theirs, declared))
    labels = torch.tensor([0, 2, 1, 1, 0])
    assert torch.equal(bundle.generator(noise(), labels), theirs(noise(), labels))
    mixed = torch.nn.functional.one_hot(labels, 3).float()
    assert torch.allclose(bundle.generator(noise(), mixed), theirs(noise(), labels), atol=1e-6)
    assert bundle.info.class_names == ("a", "b", "c") and bundle.info.recipe.conditional


@pytest.mark.parametrize("place", ["before", "after"])
def test_labels_without_an_embedding_are_one_hot(place: str, tmp_path: Path) -> None:
    theirs = trained(nn.Sequential(nn.Linear(9, 64), nn.Sigmoid()))
    layers = [{"kind": "linear", "inputs": 9, "outputs": 64}, {"kind": "activation", "function": "sigmoid"}]
    declared = {**BASE, "classes": 3, "pixel_range": [0, 1], "architecture": layers, "label_place": place}
    bundle = load_bundle(write(tmp_path, theirs, declared))
    labels = torch.tensor([2, 0, 1, 2, 0])
    coded = torch.nn.functional.one_hot(labels, 3).float()
    joined = torch.cat([coded, noise()] if place == "before" else [noise(), coded], 1)
    assert torch.equal(bundle.generator(noise(), labels).flatten(1), theirs(joined))
    assert bundle.info.recipe.generator.pixel_range == (0.0, 1.0)


class Mixed(nn.Module, PyTorchModelHubMixin):
    """What somebody saves who wraps one of the workbench's generators for the Hub."""

    def __init__(self, z_size: int, prior: str, classes: int, image_shape: list[int], architecture: dict[str, Any]
                 ) -> None:  # fmt: skip
        super().__init__()
        kind = KINDS[architecture["kind"]]
        config = from_dict(kind, {key: value for key, value in architecture.items() if key != "kind"}, kinds=KINDS)
        self.generator = config.build(Shapes(z_size, *image_shape, classes))  # type: ignore[attr-defined]


class MixedDcgan(PlainDcgan, PyTorchModelHubMixin):
    """A network of somebody's own, whose arguments say what it is: the mixin writes them into config.json."""

    def __init__(self, z_size: int, prior: str, classes: int, image_shape: list[int],
                 architecture: list[dict[str, Any]]) -> None:  # fmt: skip
        super().__init__()


def test_a_network_of_somebodys_own_saved_with_the_mixin(tmp_path: Path) -> None:
    saved = trained(MixedDcgan(**BASE, architecture=DCGAN))
    assert isinstance(saved, MixedDcgan)
    saved.save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert torch.equal(load_bundle(tmp_path / "model.safetensors").generator(noise()), saved(noise()))


@pytest.mark.parametrize("name", sorted({recipe.name for recipe in RECIPES}))
def test_each_kind_saved_with_pytorchs_mixin_comes_back(name: str, tmp_path: Path) -> None:
    recipe = small_recipe(name)
    shapes = recipe.shapes(find_dataset(recipe.dataset).image_shape, 10)
    saved = Mixed(
        z_size=shapes.latent_size, prior=recipe.latents.distribution, classes=shapes.classes,
        image_shape=list(shapes.image), architecture=to_dict(recipe.generator),
    )  # fmt: skip
    saved.save_pretrained(tmp_path)
    bundle = load_bundle(tmp_path / "model.safetensors")
    z = noise(3, shapes.latent_size)
    labels = torch.tensor([0, 1, 0]) if recipe.conditional else None
    assert torch.equal(bundle.generator(z, labels), saved.generator.eval()(z, labels))
    assert type(bundle.info.recipe.generator) in GENERATORS


def test_a_foreign_generator_of_the_hub_draws_on_every_page(hub: FakeHub, tmp_path: Path) -> None:  # noqa: F811
    path = write(tmp_path / "made", trained(PlainDcgan()), {})
    declared = json.dumps({**BASE, "architecture": DCGAN, "title": "Eights", "architectures": ["X"]}).encode()
    hub.commit("ada/eights", {"sub/g.safetensors": path.read_bytes(), "sub/g.json": declared, "big.bin": b"x"})
    ref = str(pull(HubReference("ada/eights")))
    assert pictures(SampleRequest(ref, count=4)).shape == (4, 8, 8)
    assert pictures(InterpolationRequest(ref, (Anchor(1), Anchor(2)), 5)).shape == (5, 8, 8)


def test_weights_that_another_program_loaded_get_their_declaration(
    hub: FakeHub, tmp_path: Path  # noqa: F811
) -> None:
    path = write(tmp_path / "made", trained(PlainDcgan()), {})
    declared = json.dumps({**BASE, "architecture": DCGAN}).encode()
    sha = hub.commit("ada/eights", {"model.safetensors": path.read_bytes(), "generator.json": declared})
    cache = tmp_path / "hub"
    hf_hub_download("ada/eights", "model.safetensors", revision=sha, cache_dir=cache, endpoint=hub.url, token=False)
    pinned = HubReference("ada/eights", revision=sha)
    with pytest.raises(UserError, match="no JSON file beside it"):
        open_model(str(pinned))
    assert pull(pinned) == pinned
    assert torch.equal(open_model(str(pinned)).generator(noise()), trained(PlainDcgan())(noise()))
    count = len(hub.requests)
    assert pull(pinned) == pinned and len(hub.requests) == count


def test_it_becomes_a_bundle_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "theirs", trained(PlainDcgan()), {**BASE, "architecture": DCGAN})
    rewrite_bundle(path, tmp_path / "ours.safetensors", read_bundle_info(path))
    again, first = load_bundle(tmp_path / "ours.safetensors"), load_bundle(path)
    assert again.info == first.info
    assert torch.equal(again.generator(noise()), first.generator(noise()))


def test_it_cannot_be_trained_and_says_why(tmp_path: Path) -> None:
    info = read_bundle_info(write(tmp_path, trained(PlainDcgan()), {**BASE, "architecture": DCGAN}))
    with pytest.raises(UserError, match="came without its discriminator"):
        info.recipe.build_discriminator(info.shapes)
    with pytest.raises(UserError):
        check_fit(info.recipe)


def test_weights_of_other_networks_beside_it_do_not_matter(tmp_path: Path) -> None:
    theirs = trained(PlainDcgan())
    extra = {"discriminator.0.weight": torch.zeros(3)}
    bundle = load_bundle(write(tmp_path, theirs, {**BASE, "architecture": DCGAN}, **extra))
    assert torch.equal(bundle.generator(noise()), theirs(noise()))


def test_a_file_without_the_counter_of_batches_loads(tmp_path: Path) -> None:
    theirs = trained(PlainDcgan())
    path = write(tmp_path, theirs, {**BASE, "architecture": DCGAN})
    save_file({key: value for key, value in theirs.state_dict().items() if "num_batches" not in key}, path)
    assert torch.equal(load_bundle(path).generator(noise()), theirs(noise()))


def test_batch_normalisation_is_pytorchs(tmp_path: Path) -> None:
    for shape, theirs in (((5, 3), nn.BatchNorm1d(3)), ((5, 3, 2, 2), nn.BatchNorm2d(3))):
        trained(theirs)
        ours = BatchNorm(3).module()
        ours.load_state_dict(theirs.state_dict())
        x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
        assert torch.equal(ours.eval()(x), theirs(x))


# ---- what contradicts is refused, in one sentence


def changed(place: int, **fields: Any) -> list[dict[str, Any]]:
    return [{**layer, **fields} if number == place else layer for number, layer in enumerate(DCGAN)]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({**BASE, "z_size": 0, "architecture": DCGAN}, "declares z_size as 0"),
        ({**BASE, "z_size": True, "architecture": DCGAN}, "declares z_size as True"),
        ({**BASE, "prior": "cauchy", "architecture": DCGAN}, "declares prior as 'cauchy'"),
        ({**BASE, "classes": -1, "architecture": DCGAN}, "declares classes"),
        ({**BASE, "image_shape": [2, 8, 8], "architecture": DCGAN}, "declares image_shape"),
        ({**BASE, "pixel_range": [1, 1], "architecture": DCGAN}, "declares pixel_range"),
        ({"z_size": 6, "architecture": DCGAN}, "does not declare prior; add it"),
        ({**BASE, "architecture": {"kind": "stylegan"}}, "neither a list of layers nor"),
        ({**BASE, "architecture": {"kind": ["x"]}}, "neither a list of layers nor"),
        ({**BASE, "architecture": {"kind": "cgan_generator"}}, "contradict each other"),
        ({**BASE, "architecture": "dcgan"}, "neither a list of layers nor"),
        ({**BASE, "architecture": []}, "between 1 and 200"),
        ({**BASE, "architecture": [{"kind": "eval", "code": "1"}]}, "does not know the kind 'eval'"),
        ({**BASE, "architecture": [{"kind": "linear", "code": "1"}]}, "has no field 'code'"),
        ({**BASE, "architecture": [{"kind": "linear", "outputs": 10**9}]}, "Outputs"),
        ({**BASE, "architecture": changed(1, outputs=5)}, "no weights main.0.weight of the declared shape 6×5×4×4"),
        ({**BASE, "architecture": DCGAN[:4]}, "holds weights that its declaration does not use .main.3.weight."),
        ({**BASE, "architecture": changed(1, name="deep")}, "does not hold the weights that its declaration names"),
        ({**BASE, "image_shape": [1, 9, 9], "architecture": DCGAN}, "do not fit each other"),
        ({**BASE, "z_size": 7, "architecture": DCGAN}, "do not fit each other"),
        ({**BASE, "architecture": [*DCGAN, *[{"kind": "upsample", "factor": 8}] * 9]}, "more memory or time"),
    ],
)
def test_what_contradicts_itself_is_refused(declared: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = write(tmp_path, trained(PlainDcgan()), declared)
    with pytest.raises(UserError, match=words) as caught:
        load_bundle(path)
    assert "\n" not in str(caught.value)


def test_without_a_declaration_it_is_no_model(tmp_path: Path) -> None:
    path = write(tmp_path, trained(PlainDcgan()), {"model_type": "bert"})
    with pytest.raises(UserError, match="no JSON file beside it declares"):
        load_bundle(path)
    (tmp_path / "config.json").write_text("{not json")
    with pytest.raises(UserError, match="no JSON file beside it declares"):
        load_bundle(path)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    theirs = trained(PlainDcgan())
    theirs.state_dict()["main.0.weight"].fill_(float("nan"))
    with pytest.raises(UserError, match="not finite"):
        load_bundle(write(tmp_path, theirs, {**BASE, "architecture": DCGAN}))


def test_a_bundle_of_ours_is_read_by_its_own_description(tmp_path: Path) -> None:
    from tests.made_runs import write_bundle

    write_bundle(tmp_path / "model.safetensors", small_recipe("cgan"))
    (tmp_path / "config.json").write_text(json.dumps({**BASE, "architecture": DCGAN}))
    assert read_bundle_info(tmp_path / "model.safetensors").recipe.name == "cgan"


def test_reshapes_do_not_count_among_the_places() -> None:
    config = from_dict(LayeredGeneratorConfig, {"layers": DCGAN}, kinds=KINDS)
    assert config.names == ("0", "0", "1", "2", "3", "4")


def test_the_example_of_the_document_draws(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "foreign.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    theirs = trained(nn.Sequential(
        nn.ConvTranspose2d(100, 64, 7, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, 2, 1, bias=False), nn.Tanh(),
    ))  # fmt: skip
    bundle = load_bundle(write(tmp_path, theirs, json.loads(example)))
    z = noise(3, 100)
    assert torch.equal(bundle.generator(z), theirs(z[:, :, None, None]))
    kinds = set(re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \|", text.partition("| `kind` of layer")[2], re.MULTILINE))
    assert {kind for pair in kinds for kind in pair if kind} == {layer.kind for layer in LAYERS}


# ---- wherever a model can be chosen


@pytest.fixture
def brought(tmp_path: Path) -> str:
    """A conditional generator of ten classes with its declaration, uploaded."""
    theirs = trained(EmbeddedLabels(classes=10))
    path = write(tmp_path / "theirs", theirs, {})
    declared = {**BASE, "classes": [str(digit) for digit in range(10)], "title": "Theirs", "label_width": 5,
                "label_place": "before", "architecture": EMBEDDED}  # fmt: skip
    return save_upload("theirs.safetensors", path.read_bytes(), "", json.dumps(declared).encode()).ref


def test_an_upload_with_its_declaration_becomes_one_file_that_describes_itself(brought: str) -> None:
    assert brought == "upload:theirs"
    assert [path.name for path in uploads_dir().iterdir()] == ["theirs.safetensors"]
    theirs, labels = trained(EmbeddedLabels(classes=10)), torch.tensor([0, 9, 4, 4, 1])
    assert torch.equal(open_model(brought).generator(noise(), labels), theirs(noise(), labels))


def test_an_upload_without_its_declaration_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, trained(PlainDcgan()), {})
    for declaration in (b"", b"{", b"[]", json.dumps({**BASE, "architecture": DCGAN[:1]}).encode()):
        with pytest.raises(UserError) as caught:
            save_upload("theirs.safetensors", path.read_bytes(), "", declaration)
        assert ".part" not in str(caught.value)
    assert list(uploads_dir().iterdir()) == []


def test_the_command_line_draws_and_shares_it(brought: str, tmp_path: Path) -> None:
    assert main(["sample", brought, "--out", str(tmp_path / "a.npy"), "--labels", "all", "--count", "10"]) == 0
    assert main(["interpolate", brought, "--seeds", "1,2", "--frames", "3", "--out", str(tmp_path / "b.npy")]) == 0
    assert np.load(tmp_path / "a.npy").shape == (10, 8, 8)
    assert main(["export", brought, "--to", str(tmp_path / "model.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path / "out")
    command = [sys.executable, "-I", "sample.py", "--out", "c.png", "--count", "10"]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert main(["sample", brought, "--out", str(tmp_path / "c.png"), "--labels", "all", "--count", "10"]) == 0
    there, here = read_png((tmp_path / "out" / "c.png").read_bytes()), read_png((tmp_path / "c.png").read_bytes())
    assert here.std() > 0
    np.testing.assert_array_equal(there, here)


def test_its_card_claims_no_training(brought: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    card = model_card(brought, "ada/theirs", describe(brought), "mit", curves=False)
    assert "trained elsewhere" in card
    assert "epochs" not in card and "optimiser" not in card and "None were taken" in card


@pytest.mark.parametrize("page", ["interpolate", "digits", "compare", "quality", "library"])
def test_every_page_shows_it(page: str, brought: str) -> None:
    test = open_page(page, model=brought, a=brought, b="cgan", shelf="uploads")
    assert not test.error
    if page in ("interpolate", "digits", "quality"):
        assert test.query_params["model"] == brought
    if page == "library":
        assert any("trained elsewhere" in caption.value for caption in test.caption)


def test_a_bundle_that_asks_for_more_than_it_holds_is_refused_before_it_is_built(tmp_path: Path) -> None:
    path = write(tmp_path / "theirs", trained(PlainDcgan()), {**BASE, "architecture": DCGAN})
    info = read_bundle_info(path)
    wide = tuple(Linear(16_384, 16_384) for _ in range(50))  # 50 GB of weights
    generator = replace(info.recipe.generator, layers=wide)  # type: ignore[type-var]
    rewrite_bundle(path, tmp_path / "ours.safetensors", info)
    greedy = replace(info, recipe=replace(info.recipe, generator=generator))
    rewrite_bundle(tmp_path / "ours.safetensors", tmp_path / "greedy.safetensors", greedy)
    with pytest.raises(UserError, match="does not fit its own recipe"):
        load_bundle(tmp_path / "greedy.safetensors")
