"""The house recipe: a modern, small GAN in two sizes, with and without labels."""

from dataclasses import replace

from gan_core.models.house import HouseClassGeneratorConfig, HouseGeneratorConfig
from gan_core.models.house_discriminator import HouseClassDiscriminatorConfig, HouseDiscriminatorConfig
from gan_core.objectives import RelativisticCritic, RelativisticGenerator
from gan_core.recipes.recipe import OWN, Latents, Optimizer, Recipe, Snapshots, Training
from gan_core.regularizers import R1, R2
from gan_core.schedules import Cosine, Hyperbolic

_OPTIMIZER = Optimizer(
    learning_rate=5e-4, beta1=0.0, beta2=0.99, epsilon=1e-8, schedule=Hyperbolic(end=0.0, gamma=1.3)
)  # fmt: skip
_ORIGIN_NOTE = (
    "From R3GAN: the relativistic pairing loss with both zero-centred penalties, no normalisation, residual blocks "
    "that start as the identity, bilinear resizing, Adam with β₁ 0, and a falling learning rate."
)
_PENALTY_NOTE = "The weight of a penalty is γ/2. β₂ stays 0.99; γ falls along half a cosine over the whole run."
_RATE_NOTE = (
    "The rate soon falls as one over the number of steps. Once few pictures are left that D can tell from real ones, "
    "the noise of its updates hides what it learns, and its pairing loss stays at 0.69, a coin's; with a smaller rate "
    "it sees the difference again."
)
_AVERAGE_NOTE = (
    "The running average's half-life is a twentieth of the steps so far, as in StyleGAN2-ADA's ramp, so that it soon "
    "forgets the first pictures; it ends at the decay's own half-life."
)
_SHARED_NOTES = (
    _ORIGIN_NOTE,
    "Unlike R3GAN, D has no convolutions: residual dense layers see the whole picture at once, at a fraction of the "
    "cost, which buys more steps. In the same time of a CPU digits came nearer to real ones than with convolutions. On "
    "Fashion-MNIST two of them, with 32 and 64 channels, more than halved the distance: clothing has texture. Its last "
    "layer starts at 0.",
    "G has dense layers before its first maps of 7×7, then plain 3×3 convolutions at 7×7 and at 14×14. The last maps "
    "hold four pixels of the picture in each place: maps of the picture's own size would take most of the time. "
    "Pictures pass a tanh.",
    "Both penalties are taken on a quarter of each batch.",
    _AVERAGE_NOTE,
)
_SMALL_NOTES = (*_SHARED_NOTES, _PENALTY_NOTE, _RATE_NOTE)
_LARGE_NOTES = (
    *_SHARED_NOTES,
    "Beside the small size both networks are twice as wide, G has two residual blocks at each size, and batches are "
    "twice as large.",
    "D's rate starts lower and falls as one over the number of steps; at the small size's rates its pairing loss stood "
    "above a coin's. G's rate falls along half a cosine to a tenth of its start, and γ stays as it is. So trained on "
    "MNIST with labels, it came nearer to real digits than the small size, in three times the time.",
)
_CLASS_NOTE = (
    "A generated picture has the label of the real one that it is compared with: what one class looks like says "
    "nothing about another, and D's answers for different classes differ by more than those for real and generated."
)
_SOURCE = "After Huang et al. 2024, The GAN is dead; long live the GAN! (R3GAN)"

HOUSE_SMALL = Recipe(
    name="house_small",
    title="House GAN, small",
    report=OWN,
    summary="Our own recipe in its small size, for two CPU cores.",
    source=_SOURCE,
    generator=HouseGeneratorConfig(channels=(32, 64), blocks=(1, 1), trunk_width=256, patch=2),
    discriminator=HouseDiscriminatorConfig(width=768),
    latents=Latents(size=64),
    discriminator_terms=(
        RelativisticCritic(),
        R1(weight=0.1, final_share=0.3, part=0.25),
        R2(weight=0.1, final_share=0.3, part=0.25),
    ),
    generator_terms=(RelativisticGenerator(),),
    generator_optimizer=_OPTIMIZER,
    discriminator_optimizer=_OPTIMIZER,
    training=Training(epochs=20, batch_size=64, ema_decay=0.999, ema_ramp=0.05),
    snapshots=Snapshots(epochs=(1, 2, 4, 8, 12, 16, 20), rows=4, columns=5),
    notes=_SMALL_NOTES,
)

HOUSE_SMALL_CONDITIONAL = replace(
    HOUSE_SMALL,
    name="house_small_conditional",
    title="House GAN, small, by class",
    summary="The small recipe with labels: it draws the class you ask for.",
    generator=HouseClassGeneratorConfig(channels=(32, 64), blocks=(1, 1), trunk_width=256, patch=2),
    discriminator=HouseClassDiscriminatorConfig(width=768),
    training=replace(HOUSE_SMALL.training, fake_labels="as_real"),
    snapshots=replace(HOUSE_SMALL.snapshots, rows=4, columns=10),
    notes=(*_SMALL_NOTES, _CLASS_NOTE),
)

_LARGE_OPTIMIZER_G = replace(_OPTIMIZER, schedule=Cosine(end=0.1))
_LARGE_OPTIMIZER_D = replace(_OPTIMIZER, learning_rate=2e-4)
_LARGE_TERMS = (RelativisticCritic(), R1(weight=0.1, part=0.25), R2(weight=0.1, part=0.25))
_LARGE_TRAINING = replace(HOUSE_SMALL.training, epochs=18, batch_size=128)
_LARGE_SNAPSHOTS = Snapshots(epochs=(1, 2, 4, 8, 12, 15, 18), rows=4, columns=5)

HOUSE = replace(
    HOUSE_SMALL,
    name="house",
    title="House GAN",
    summary="Our own recipe at full size: an hour or two on two CPU cores.",
    generator=HouseGeneratorConfig(channels=(64, 128), blocks=(2, 2), trunk_width=512, patch=2),
    discriminator=HouseDiscriminatorConfig(width=1536),
    discriminator_terms=_LARGE_TERMS,
    generator_optimizer=_LARGE_OPTIMIZER_G,
    discriminator_optimizer=_LARGE_OPTIMIZER_D,
    training=_LARGE_TRAINING,
    snapshots=_LARGE_SNAPSHOTS,
    notes=_LARGE_NOTES,
)

HOUSE_CONDITIONAL = replace(
    HOUSE,
    name="house_conditional",
    title="House GAN, by class",
    summary="The full size with labels: it draws the class you ask for.",
    generator=HouseClassGeneratorConfig(channels=(64, 128), blocks=(2, 2), trunk_width=512, patch=2),
    discriminator=HouseClassDiscriminatorConfig(width=1536),
    training=replace(_LARGE_TRAINING, fake_labels="as_real"),
    notes=(*_LARGE_NOTES, _CLASS_NOTE),
    snapshots=replace(_LARGE_SNAPSHOTS, columns=10),
)
