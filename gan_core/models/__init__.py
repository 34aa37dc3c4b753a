"""The architecture families; the two tables name every kind that a recipe or a bundle may hold."""

from gan_core.models.cgan import CganDiscriminatorConfig, CganGeneratorConfig
from gan_core.models.dcgan import DcganDiscriminatorConfig, DcganGeneratorConfig
from gan_core.models.fully_connected import (
    ConvPoolDiscriminatorConfig,
    FullyConnectedDiscriminatorConfig,
    FullyConnectedGeneratorConfig,
)

GENERATORS: tuple[type, ...] = (
    CganGeneratorConfig,
    FullyConnectedGeneratorConfig,
    DcganGeneratorConfig,
)
DISCRIMINATORS: tuple[type, ...] = (
    CganDiscriminatorConfig,
    FullyConnectedDiscriminatorConfig,
    ConvPoolDiscriminatorConfig,
    DcganDiscriminatorConfig,
)
