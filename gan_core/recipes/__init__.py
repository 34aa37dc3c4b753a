"""The explicit, ordered table of recipes: one entry for each published system, then our own."""

from gan_core.config import UserError
from gan_core.recipes.cgan import CGAN
from gan_core.recipes.dcgan import DCGAN, DCGAN_MODIFIED
from gan_core.recipes.fully_connected import FC_CNN_GAN, FC_GAN, LEAKY_GAN
from gan_core.recipes.house import HOUSE, HOUSE_CONDITIONAL, HOUSE_SMALL, HOUSE_SMALL_CONDITIONAL
from gan_core.recipes.igan import IGAN, IGAN_SHARED, IGAN_V2, IGAN_VN, R4_DCGAN, R4_WGAN_GP
from gan_core.recipes.recipe import Recipe

RECIPES: tuple[Recipe, ...] = (
    CGAN, FC_GAN, FC_CNN_GAN, LEAKY_GAN, DCGAN, DCGAN_MODIFIED,
    IGAN, IGAN_V2, IGAN_VN, IGAN_SHARED, R4_DCGAN, R4_WGAN_GP,
    HOUSE, HOUSE_CONDITIONAL, HOUSE_SMALL, HOUSE_SMALL_CONDITIONAL,
)  # fmt: skip


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; UserError names those there are."""
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    names = ", ".join(recipe.name for recipe in RECIPES)
    raise UserError("There is no recipe {name}; choose one of {names}.", name=repr(name), names=names)
