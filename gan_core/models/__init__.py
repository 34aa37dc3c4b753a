"""The architecture families; the tables name every kind that a recipe or a bundle may hold."""

from gan_core.models.cgan import CganDiscriminatorConfig, CganGeneratorConfig
from gan_core.models.dcgan import DcganDiscriminatorConfig, DcganGeneratorConfig
from gan_core.models.fully_connected import (
    ConvPoolDiscriminatorConfig,
    FullyConnectedDiscriminatorConfig,
    FullyConnectedGeneratorConfig,
)
from gan_core.models.house import HouseClassGeneratorConfig, HouseGeneratorConfig
from gan_core.models.house_discriminator import HouseClassDiscriminatorConfig, HouseDiscriminatorConfig
from gan_core.models.igan import (
    IganClassDiscriminatorConfig,
    IganClassGeneratorConfig,
    IganDiscriminatorConfig,
    IganGeneratorConfig,
)
from gan_core.models.layered import (
    LAYERS,
    LayeredClassGeneratorConfig,
    LayeredGeneratorConfig,
    UnknownClassDiscriminatorConfig,
    UnknownDiscriminatorConfig,
)
from gan_core.models.radford import RadfordDiscriminatorConfig, RadfordGeneratorConfig

GENERATORS: tuple[type, ...] = (
    CganGeneratorConfig,
    FullyConnectedGeneratorConfig,
    DcganGeneratorConfig,
    IganGeneratorConfig,
    IganClassGeneratorConfig,
    RadfordGeneratorConfig,
    HouseGeneratorConfig,
    HouseClassGeneratorConfig,
)
DISCRIMINATORS: tuple[type, ...] = (
    CganDiscriminatorConfig,
    FullyConnectedDiscriminatorConfig,
    ConvPoolDiscriminatorConfig,
    DcganDiscriminatorConfig,
    IganDiscriminatorConfig,
    IganClassDiscriminatorConfig,
    RadfordDiscriminatorConfig,
    HouseDiscriminatorConfig,
    HouseClassDiscriminatorConfig,
)
# Of generators that others trained: to draw with, not to train.
FOREIGN: tuple[type, ...] = (
    LayeredGeneratorConfig,
    LayeredClassGeneratorConfig,
    UnknownDiscriminatorConfig,
    UnknownClassDiscriminatorConfig,
    *LAYERS,
)
