"""R4: IGAN for one, two and N classes, with one discriminator for all, and its rivals DCGAN and WGAN-GP."""

from dataclasses import replace

from gan_core.models.igan import (
    IganClassDiscriminatorConfig,
    IganClassGeneratorConfig,
    IganDiscriminatorConfig,
    IganGeneratorConfig,
)
from gan_core.models.radford import RadfordDiscriminatorConfig, RadfordGeneratorConfig
from gan_core.objectives import (
    FakeCrossEntropy,
    NonSaturating,
    RealCrossEntropy,
    WassersteinCritic,
    WassersteinGenerator,
)
from gan_core.recipes.recipe import Optimizer, Recipe, Snapshots, Training
from gan_core.regularizers import GradientPenalty
from gan_core.schedules import Hyperbolic
from gan_core.stabilizers import Stabilizers

_SOURCE = "Report R4, an improved GAN (2021)"
_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 50)
_TRAINING = Training(epochs=50, batch_size=64, discriminator_steps=3, log_every=10)
_CLASS_TRAINING = replace(_TRAINING, fake_labels="as_real")
# LR(t) = 0.0002 + 1/(556 + 10 t) for D, and 1.5 times that for G at every t.
_DISCRIMINATOR_OPTIMIZER = Optimizer(
    learning_rate=2e-3, beta1=0.5, beta2=0.9, epsilon=1e-8, schedule=Hyperbolic(end=2e-4, gamma=10.0)
)
_GENERATOR_OPTIMIZER = replace(
    _DISCRIMINATOR_OPTIMIZER, learning_rate=3e-3, schedule=Hyperbolic(end=3e-4, gamma=10.0 / 1.5)
)
_ALPHA, _BETA = 0.05, 0.95  # targets of real and of generated pictures, with the labels swapped

_SIZE_NOTE = (
    "Both sizes come from one rule. For pictures of side H the deep branch starts at 4×4 and its short cut is one "
    "transposed convolution of stride and kernel H/4: 4·7 = 28, 4·24 = 96. The wide branch starts at H/4 × H/4 and is "
    "quadrupled: 7·4 = 28, 24·4 = 96. The deep chain passes 4, 7, 14, 28 or 4, 12, 24, 48, 96. Choose a data set of "
    "96×96 pictures, and the same recipe draws those."
)
_GENERATOR_NOTE = (
    "The report leaves the depth of G's chain and its kernels open. Here two 3×3 convolutions at 4×4 come first; a "
    "transposed convolution has a kernel of twice its stride, PixelShuffle a 3×3 convolution before it. 4 → 7 is no "
    "whole factor and takes a transposed 4×4 convolution of stride 1. The branches are added, 64 channels each."
)
_NORM_NOTE = (
    "Every convolution and transposed convolution of G is followed by batch normalisation and leaky ReLU 0.02, the "
    "dense layers too; the last convolution by batch normalisation and tanh. The report does not say which layers have "
    "dropout, nor how much: here 0.2 after each up-sampling but the last. Weights start as He et al. propose."
)
_LAST_NOTE = (
    "The batch normalisation before the tanh holds the mean and the contrast of all pictures, which DCGAN's authors "
    "found to make training unstable. Here G drew nearly one picture for every noise after one and a half epochs of "
    "MNIST: a pixel's standard deviation was 0.02 of ±1, and four to five times that after one epoch without it "
    "(Normalisation of the picture: none)."
)
_SHIPPED_NOTE = (
    "The weights that ship have a quarter of the width (16 channels in G; 16, 32 and 64 in D) and rates that do not "
    "fall: 0.005 for G, 0.001 for D. So a processor core does enough steps in minutes for digits to appear. After one "
    "epoch of MNIST the narrow IGAN was at a distance of 150 from real pictures, and of 342 with the report's rates "
    "(Fréchet distance on a classifier's features, 1,000 pictures, one seed)."
)
_PENALTY_NOTE = (
    "The report contradicts itself: its D has batch normalisation, and its gradient penalty takes the slope of D at "
    "one picture, which batch statistics tie to the others. D has layer normalisation here, as WGAN-GP prescribes; "
    "batch normalisation can be chosen once the penalty is removed."
)
_DISCRIMINATOR_NOTE = (
    "The report says of D that it is residual and smaller than G. Here its blocks have two 3×3 convolutions beside a "
    "1×1 short cut, with 32, 64 and 128 channels, halving until the map is 6×6 or smaller: three blocks for 28×28, "
    "four for 96×96."
)
_LABEL_NOTE = (
    "Labels are swapped, as in the report: D learns 0.05 for real pictures and 0.95 for generated ones, the middle of "
    "its ranges, and G aims at 0.05. Read the curves of D(x) and D(G(z)) the other way round."
)
_RATE_NOTE = (
    "The learning rate starts at 0.002, the report's figure for MNIST and Fashion-MNIST. For faces and bedrooms it "
    "starts at 0.00053: set D's rate to 0.000533 and G's to 0.0008. G's rate is 1.5 times D's at every step. A step is "
    "one update of G. β₁ 0.5 and β₂ 0.9 are those of WGAN-GP's code for MNIST; the report names Adam alone."
)
_RUN_NOTE = (
    "The report trains D three to five times for each update of G; three here. It adds Gaussian noise to D's inputs "
    "without saying how much: 0.1 at the start, falling to 0 over the run. z is normal. The report counts batches and "
    "shows pictures every 100 of them; here there is a sheet each epoch, and the number of epochs is ours."
)
_CLASS_NOTE = (
    "Two modules are shared by all classes: the deep branch and the first H/4 × H/4 map. From there each class has its "
    "own IBlock, two up-convolutions each followed by a 3×3 convolution; the deep branch is added to it, and the last "
    "convolution is the class' own as well. The report does not say how the branches are joined; IGAN's are added."
)
_PAIR_NOTE = (
    "For D's update, G draws the classes of the real pictures, so that the penalty's way from a real to a generated "
    "picture stays within one class, as with the report's separate training of each discriminator."
)
_COMMON = (
    _SIZE_NOTE, _GENERATOR_NOTE, _NORM_NOTE, _LAST_NOTE, _PENALTY_NOTE, _DISCRIMINATOR_NOTE, _LABEL_NOTE, _RATE_NOTE,
    _RUN_NOTE, _SHIPPED_NOTE,
)  # fmt: skip

IGAN = Recipe(
    name="igan",
    title="IGAN",
    report="R4",
    summary="Two branches of unlike receptive fields and a residual short cut, against a residual discriminator.",
    source=_SOURCE,
    generator=IganGeneratorConfig(),
    discriminator=IganDiscriminatorConfig(),
    discriminator_terms=(RealCrossEntropy(target=_ALPHA), FakeCrossEntropy(target=_BETA), GradientPenalty(weight=5.0)),
    generator_terms=(NonSaturating(target=_ALPHA),),
    generator_optimizer=_GENERATOR_OPTIMIZER,
    discriminator_optimizer=_DISCRIMINATOR_OPTIMIZER,
    stabilizers=Stabilizers(instance_noise=0.1, stop_when_won=True),
    training=_TRAINING,
    snapshots=Snapshots(epochs=_EPOCHS, rows=4, columns=5),
    reported=("FID 6.56 on MNIST, 14.16 on Fashion-MNIST, 32.19 on CelebA, 71.90 on LSUN bedrooms",),
    notes=_COMMON,
)

IGAN_VN = replace(
    IGAN,
    name="igan_vn",
    title="IGAN-VN",
    summary="A branch of the generator and a whole discriminator for each class.",
    generator=IganClassGeneratorConfig(),
    discriminator=IganClassDiscriminatorConfig(),
    training=_CLASS_TRAINING,
    reported=(),
    notes=(
        _CLASS_NOTE,
        _PAIR_NOTE,
        "A mixed batch is sorted by class, and each picture is judged by its class' discriminator alone. N "
        "discriminators take N times the memory for weights, the weakness that the report states; the recipe IGAN, "
        "shared answers it.",
        *_COMMON,
    ),
)

IGAN_V2 = replace(
    IGAN_VN,
    name="igan_v2",
    title="IGAN-V2",
    summary="IGAN for two classes: a branch of the generator and a discriminator for each.",
    training=replace(_CLASS_TRAINING, classes=(0, 1)),
    reported=("FID 9.77 on MNIST, 27.48 on Fashion-MNIST, 31.22 on CelebA, 76.43 on LSUN bedrooms",),
    notes=(
        _CLASS_NOTE,
        _PAIR_NOTE,
        "The report does not say which two classes it means; here they are the first two of the data set, for MNIST "
        "the digits 0 and 1. Choose others under Classes.",
        *_COMMON,
    ),
)

IGAN_SHARED = replace(
    IGAN_VN,
    name="igan_shared",
    title="IGAN, shared",
    summary="A branch of the generator for each class, against one discriminator with a last layer for each class.",
    discriminator=IganClassDiscriminatorConfig(trunk="shared"),
    notes=(
        "Not in the report, but the answer to its stated weakness: instead of N discriminators, one residual trunk "
        "with N linear heads. Each head with the trunk is a discriminator like IGAN's.",
        _CLASS_NOTE,
        _PAIR_NOTE,
        *_COMMON,
    ),
)

_RIVAL_NOTE = (
    "The report does not say how it set up its rivals. These nets are Radford's, fitted to the size: maps halve until "
    "7×7 or smaller, from 64 channels to at most 512, with 5×5 kernels. 28×28 starts at 7×7×128, 96×96 at 6×6×512."
)
_RIVAL_TRAINING = Training(epochs=50, batch_size=64, log_every=30)

R4_DCGAN = Recipe(
    name="r4_dcgan",
    title="DCGAN, IGAN's rival",
    report="R4",
    summary="The convolutional GAN as first published, for pictures of any size.",
    source="Radford et al. 2016, Unsupervised Representation Learning with DCGANs, as a rival in report R4",
    generator=RadfordGeneratorConfig(),
    discriminator=RadfordDiscriminatorConfig(),
    generator_optimizer=Optimizer(learning_rate=2e-4, beta1=0.5, epsilon=1e-8),
    discriminator_optimizer=Optimizer(learning_rate=2e-4, beta1=0.5, epsilon=1e-8),
    training=_RIVAL_TRAINING,
    snapshots=Snapshots(epochs=_EPOCHS, rows=4, columns=5),
    reported=("FID 7.61 on MNIST, 16.31 on Fashion-MNIST, 35.08 on CelebA, 176.20 on LSUN bedrooms",),
    notes=(_RIVAL_NOTE, "Adam (2e-4, β₁ 0.5) is the paper's, the batch of 64 the report's; z is normal."),
)

R4_WGAN_GP = replace(
    R4_DCGAN,
    name="r4_wgan_gp",
    title="WGAN-GP, IGAN's rival",
    summary="A critic that measures how far apart real and generated pictures are, held smooth by a penalty.",
    source="Gulrajani et al. 2017, Improved Training of Wasserstein GANs, as a rival in report R4",
    discriminator=RadfordDiscriminatorConfig(normalisation="layer"),
    discriminator_terms=(WassersteinCritic(), GradientPenalty(weight=10.0)),
    generator_terms=(WassersteinGenerator(),),
    generator_optimizer=Optimizer(learning_rate=1e-4, beta1=0.5, beta2=0.9, epsilon=1e-8),
    discriminator_optimizer=Optimizer(learning_rate=1e-4, beta1=0.5, beta2=0.9, epsilon=1e-8),
    training=replace(_RIVAL_TRAINING, discriminator_steps=5, log_every=6),
    reported=("FID 7.80 on MNIST, 14.95 on Fashion-MNIST, 34.51 on CelebA, 140.94 on LSUN bedrooms",),
    notes=(
        _RIVAL_NOTE,
        "The critic has layer normalisation in place of batch normalisation, which the penalty does not allow "
        "(Gulrajani et al. 2017, §4).",
        "λ 10, five updates of the critic for each of G, and Adam (1e-4, β₁ 0.5, β₂ 0.9) are those of WGAN-GP's own "
        "code for MNIST; IGAN's λ is 5.",
    ),
)
