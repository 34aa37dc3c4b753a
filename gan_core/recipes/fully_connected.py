"""R2: the fully connected GAN and its variant with a convolutional discriminator; R3: the leaky GAN."""

from gan_core.models.fully_connected import (
    ConvPoolDiscriminatorConfig,
    FullyConnectedDiscriminatorConfig,
    FullyConnectedGeneratorConfig,
)
from gan_core.recipes.recipe import Latents, Optimizer, Recipe, Snapshots, Training

_R2_OPTIMIZER = Optimizer(learning_rate=2e-4, beta1=0.9, epsilon=1e-8)
_R2_TRAINING = Training(epochs=86, steps=40_001, batch_size=128, update="simultaneous")
_R2_SNAPSHOTS = Snapshots(epochs=(1, 5, 10, 20, 40, 60, 80), rows=2, columns=5)
_R2_NOTES = (
    "The report gives Adam's learning rate only; β₁ 0.9, β₂ 0.999 and ε 1e-8 are Adam's own defaults.",
    "Both networks learn from the same noise and the same forward pass, as the report's steps do; no other recipe "
    "shares it.",
    "The report counts 40,001 iterations, the first one at 0; that is 85 epochs and 221 steps of 468 batches.",
    "The sigmoid at the end of the discriminator is part of the loss (cross-entropy on logits): the same function, "
    "without overflow.",
    "Most of the report's pictures show the same digit (mode collapse). It names six remedies and tries none.",
)

FC_GAN = Recipe(
    name="fc_gan",
    title="Fully connected GAN",
    report="R2a",
    summary="The smallest GAN that works: one hidden layer on each side.",
    source="Report R2, after Goodfellow et al. 2014, Generative Adversarial Nets",
    latents=Latents(100, "uniform"),
    generator=FullyConnectedGeneratorConfig(hidden=(256,)),
    discriminator=FullyConnectedDiscriminatorConfig(hidden=(256,)),
    generator_optimizer=_R2_OPTIMIZER,
    discriminator_optimizer=_R2_OPTIMIZER,
    training=_R2_TRAINING,
    snapshots=_R2_SNAPSHOTS,
    reported=("final generator loss 2.7080", "final discriminator loss 0.4489"),
    notes=_R2_NOTES,
)

FC_CNN_GAN = Recipe(
    name="fc_cnn_gan",
    title="Fully connected G, convolutional D",
    report="R2b",
    summary="The same generator against a discriminator that sees neighbourhoods of pixels.",
    source="Report R2, after Goodfellow et al. 2014, Generative Adversarial Nets",
    latents=Latents(100, "uniform"),
    generator=FullyConnectedGeneratorConfig(hidden=(256,)),
    discriminator=ConvPoolDiscriminatorConfig(),
    generator_optimizer=_R2_OPTIMIZER,
    discriminator_optimizer=_R2_OPTIMIZER,
    training=_R2_TRAINING,
    snapshots=_R2_SNAPSHOTS,
    reported=("final generator loss 3.8933", "final discriminator loss 0.2038"),
    notes=(
        *_R2_NOTES,
        "Pooling comes before the ReLU here: the maximum commutes with it, so the function is the report's own.",
    ),
)

_R3_OPTIMIZER = Optimizer(learning_rate=2e-4, beta1=0.5, epsilon=1e-8)

LEAKY_GAN = Recipe(
    name="leaky_gan",
    title="Leaky GAN",
    report="R3",
    summary="A small GAN with leaky ReLU and dropout that trains long and shows both halves of D's loss.",
    source="Report R3, after Goodfellow et al. 2014, Generative Adversarial Nets",
    latents=Latents(100, "uniform"),
    generator=FullyConnectedGeneratorConfig(
        hidden=(128,), activation="leaky_relu", slope=0.01, dropout=0.2, output="tanh", initialiser="glorot_uniform"
    ),
    discriminator=FullyConnectedDiscriminatorConfig(
        hidden=(128,), activation="leaky_relu", slope=0.01, initialiser="glorot_uniform"
    ),
    generator_optimizer=_R3_OPTIMIZER,
    discriminator_optimizer=_R3_OPTIMIZER,
    training=Training(epochs=500, batch_size=128, held_out=5_000, log_every=200),
    snapshots=Snapshots(epochs=(0, 5, 10, 20, 40, 60, 80, 100, 200, 300, 400, 500), rows=4, columns=4),
    reported=("D(x) and D(G(z)) both approach 0.5",),
    notes=(
        "The report gives the kinds of layers, not their widths; 128 hidden units on each side are ours.",
        "The report names neither optimiser nor batch size; Adam (2e-4, β₁ 0.5) and 128 are ours.",
        "55,000 pictures train and 5,000 validate, TensorFlow's older split: the first 5,000 of MNIST's 60,000 "
        "training pictures are held out.",
        "55,000 pictures make 429 batches of 128; the 88 left over at the end of each epoch's shuffle sit out.",
    ),
)
