"""R5: the convolutional GAN, original and modified."""

from gan_core.models.dcgan import DcganDiscriminatorConfig, DcganGeneratorConfig
from gan_core.objectives import FakeCrossEntropy, RealCrossEntropy
from gan_core.recipes.recipe import Optimizer, Recipe, Snapshots, Training
from gan_core.regularizers import KernelDecay

_OPTIMIZER = Optimizer(learning_rate=1e-4, beta1=0.9, epsilon=1e-7)
_TRAINING = Training(epochs=50, batch_size=256, log_every=10)
_SNAPSHOTS = Snapshots(epochs=(1, 5, 10, 20, 30, 40, 49, 50), rows=4, columns=4)
_SOURCE = "Report R5, after Radford et al. 2016, Unsupervised Representation Learning with DCGANs"
_NOTES = (
    "The report gives Adam's learning rate only; β₁ 0.9, β₂ 0.999 and ε 1e-7 are Keras' defaults, as are batch-norm "
    "momentum 0.99 with ε 1e-3 and Glorot uniform weights.",
    "The comparison counts epochs as the report does: 49 is shown beside the last, 50.",
    "60,000 pictures make 234 batches of 256; the 96 left over at the end of each epoch's shuffle sit out.",
    "The report finds 6 and 9 drawn best and 2, 3 and 8 worst.",
)

DCGAN = Recipe(
    name="dcgan",
    title="DCGAN, original",
    report="R5",
    summary="Transposed convolutions grow a 7×7 map into a digit; the sharpest of the reports' small nets.",
    source=_SOURCE,
    generator=DcganGeneratorConfig(),
    discriminator=DcganDiscriminatorConfig(),
    generator_optimizer=_OPTIMIZER,
    discriminator_optimizer=_OPTIMIZER,
    training=_TRAINING,
    snapshots=_SNAPSHOTS,
    notes=_NOTES,
)

DCGAN_MODIFIED = Recipe(
    name="dcgan_modified",
    title="DCGAN, modified",
    report="R5",
    summary="One more block on each side, and an L2 penalty on two of the discriminator's kernels.",
    source=_SOURCE,
    generator=DcganGeneratorConfig(channels=(128, 64, 128), strides=(1, 2, 2, 1)),
    discriminator=DcganDiscriminatorConfig(channels=(64, 128, 256)),
    discriminator_terms=(RealCrossEntropy(), FakeCrossEntropy(), KernelDecay(weight=0.01, layers=(2, 3))),
    generator_optimizer=_OPTIMIZER,
    discriminator_optimizer=_OPTIMIZER,
    training=_TRAINING,
    snapshots=_SNAPSHOTS,
    notes=(
        "As printed, the additional stride-2 block makes 56×56 pictures. The last transposed convolution takes stride "
        "1 here, so that pictures stay 28×28.",
        "The prose gives the third discriminator block 64 filters, the code 256; it has 256 here.",
        *_NOTES,
    ),
)
