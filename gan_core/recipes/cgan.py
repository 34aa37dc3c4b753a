"""R1: the conditional GAN."""

from gan_core.models.cgan import CganDiscriminatorConfig, CganGeneratorConfig
from gan_core.objectives import FakeCrossEntropy, RealCrossEntropy
from gan_core.recipes.recipe import Recipe, Snapshots, Training

CGAN = Recipe(
    name="cgan",
    title="Conditional GAN",
    report="R1",
    summary="Draws the digit you ask for: the label is multiplied into the noise and into the picture.",
    source="Report R1, after Mirza & Osindero 2014, Conditional Generative Adversarial Nets",
    generator=CganGeneratorConfig(),
    discriminator=CganDiscriminatorConfig(),
    discriminator_terms=(RealCrossEntropy(weight=0.5, target=0.9), FakeCrossEntropy(weight=0.5)),
    training=Training(epochs=100, batch_size=128),
    snapshots=Snapshots(epochs=(1, 25, 50, 75, 100), rows=2, columns=5),
    reported=("36 minutes of training on a GPU for 100 epochs",),
    notes=(
        "The report does not name batch size, label smoothing and latent size; 128, 0.1 and 100 are Keras practice.",
        "The report does not name the initialiser of each network's first dense layer; it is normal with standard "
        "deviation 0.02 here. The other layers keep Keras' defaults: Glorot uniform, embeddings uniform in ±0.05.",
        "The report's discriminator sees a real batch, then a fake batch, and its loss is half the sum. Here both "
        "halves are one update on that half sum.",
        "The sigmoid at the end of the discriminator is part of the loss (cross-entropy on logits): the same function, "
        "without overflow.",
        "60,000 pictures make 468 batches of 128; the 96 left over at the end of each epoch's shuffle sit out.",
    ),
)
