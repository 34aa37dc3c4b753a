"""Where picture sets come from, and the settings by which they are prepared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gan_core.config import Validated, setting
from gan_core.datasets import archives
from gan_core.datasets.dataset import cache_dir, data_dir
from gan_core.datasets.picture_lists import (
    Collection,
    celeba_classes,
    list_celeba,
    list_folder,
    list_lsun,
    list_zip,
    lsun_path,
)

ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip


@dataclass(frozen=True)
class PictureSettings(Validated):
    """How pictures are prepared."""

    size: int = setting(96, title="Picture size", minimum=8, maximum=512, unit="pixels",
                        help="Pictures are cropped to their central square and scaled to this width and height.")
    channels: int = setting(3, title="Colour channels", choices=(3, 1), help="3 for colour, 1 for grey.")
    limit: int = setting(0, title="At most so many pictures", minimum=0, maximum=100_000_000, advanced=True,
                         help="Takes only so many, evenly spread over the set; 0 takes all.")


@dataclass(frozen=True)
class FaceSettings(PictureSettings):
    """How CelebA's faces are prepared, and what divides them into two classes."""

    attribute: str = setting("Smiling", title="Attribute", choices=ATTRIBUTES,
                             help="Faces without and with it are the two classes of a conditional recipe.")


class Origin(Protocol):
    """Where pictures come from."""

    @property
    def base(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def summary(self) -> str: ...

    def place(self) -> str:
        """What tells this origin from others of the same name."""
        ...

    def cache_root(self) -> Path:
        """Where the prepared pictures are kept."""
        ...

    def present(self) -> bool:
        """Whether the files are there, at a glance."""
        ...

    def classes(self, settings: Any) -> tuple[str, ...]:
        """The classes, where the settings alone tell them."""
        ...

    def listing(self, split: str, settings: Any) -> Collection:
        """All pictures of the "train" or "test" split; UserError where there are none."""
        ...


@dataclass(frozen=True)
class CelebA:
    """CelebA under the data folder."""

    base = "celeba"
    title = "CelebA"
    summary = "202,599 faces of celebrities; its licence asks that you fetch the files yourself."

    def place(self) -> str:
        return str(data_dir().absolute())

    def cache_root(self) -> Path:
        return cache_dir() / "pictures"

    def present(self) -> bool:
        return (data_dir() / self.base / "list_attr_celeba.txt").is_file()

    def classes(self, settings: FaceSettings) -> tuple[str, ...]:
        return celeba_classes(settings.attribute)

    def listing(self, split: str, settings: FaceSettings) -> Collection:
        return list_celeba(data_dir() / self.base, split, settings.attribute)


@dataclass(frozen=True)
class LsunBedroom:
    """LSUN's bedrooms under the data folder."""

    base = "lsun_bedroom"
    title = "LSUN bedrooms"
    summary = "3,033,042 photographs of bedrooms; fetch the 43 GB yourself, or use only some of them."

    def place(self) -> str:
        return str(data_dir().absolute())

    def cache_root(self) -> Path:
        return cache_dir() / "pictures"

    def present(self) -> bool:
        return lsun_path(data_dir(), "train", "bedroom") is not None

    def classes(self, settings: PictureSettings) -> tuple[str, ...]:
        return ("bedroom",)

    def listing(self, split: str, settings: PictureSettings) -> Collection:
        return list_lsun(data_dir(), split, "bedroom")


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    root: Path
    title = "Picture folder"
    summary = "The pictures in a folder on this machine; its subfolders are the classes."

    @property
    def base(self) -> str:
        return f"folder:{self.root}"

    def place(self) -> str:
        return str(self.root)

    def cache_root(self) -> Path:
        return cache_dir() / "pictures"

    def present(self) -> bool:
        return self.root.is_dir()

    def classes(self, settings: PictureSettings) -> tuple[str, ...]:
        return ()

    def listing(self, split: str, settings: PictureSettings) -> Collection:
        return list_folder(self.root, split)


@dataclass(frozen=True)
class Upload:
    """A zip file that :func:`~gan_core.datasets.archives.store_upload` keeps; prepared beside it."""

    path: Path
    title = "Uploaded pictures"
    summary = "The pictures in an uploaded zip file; its folders are the classes."

    @property
    def base(self) -> str:
        return f"upload:{self.path.stem}"

    def place(self) -> str:
        return self.path.stem

    def cache_root(self) -> Path:
        return archives.prepared_dir(self.path.stem)

    def present(self) -> bool:
        return self.path.is_file()

    def classes(self, settings: PictureSettings) -> tuple[str, ...]:
        return ()

    def listing(self, split: str, settings: PictureSettings) -> Collection:
        return list_zip(self.path, split)
