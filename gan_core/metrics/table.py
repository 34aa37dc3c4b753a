"""The table of measures: what each one is called, what it tells, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One row.

    ``better`` is "lower" or "higher"; ``unit`` is "share" for numbers in [0, 1] that read well as percents, "count"
    for whole numbers, or "". ``of_features`` says that the number depends on the network that made the features, and
    must be named with it.
    """

    key: str
    title: str
    help: str
    better: str
    source: str
    unit: str = ""
    of_features: bool = True


METRICS: tuple[Metric, ...] = (
    Metric(
        "frechet", "Fréchet distance",
        "How far the features of the generated pictures are from those of real ones, in mean and in spread.",
        "lower", "Dowson & Landau 1982; Heusel et al. 2017",
    ),
    Metric(
        "kernel", "Kernel distance",
        "Like the Fréchet distance, but fair to any number of pictures; equal sets score 0 on average.",
        "lower", "Bińkowski et al. 2018",
    ),
    Metric(
        "precision", "Precision",
        "Share of the generated pictures that look real: they lie where real pictures do.",
        "higher", "Kynkäänniemi et al. 2019", "share",
    ),
    Metric(
        "recall", "Recall",
        "Share of the real pictures that the generator could have drawn: they lie where generated pictures do.",
        "higher", "Kynkäänniemi et al. 2019", "share",
    ),
    Metric(
        "density", "Density",
        "How thickly generated pictures lie among real ones; precision that one odd real picture cannot fool. Above 1 "
        "they crowd where real pictures are most typical.",
        "higher", "Naeem et al. 2020",
    ),
    Metric(
        "coverage", "Coverage",
        "Share of the real pictures that have a generated one in their neighbourhood; low when the generator leaves "
        "out part of the data.",
        "higher", "Naeem et al. 2020", "share",
    ),
    Metric(
        "classes_covered", "Classes covered",
        "How many classes appear with at least a tenth of the frequency that they have in the data.",
        "higher", "Srivastava et al. 2017", "count",
    ),
    Metric(
        "class_divergence", "Class divergence",
        "How far the mix of classes is from that of the data (Kullback–Leibler, in nats); 0 for the same mix.",
        "lower", "Srivastava et al. 2017",
    ),
    Metric(
        "obedience", "Label obedience",
        "Share of the pictures in which a classifier trained on real pictures reads the class asked for; also called "
        "GAN-test.",
        "higher", "Shmelkov et al. 2018", "share",
    ),
    Metric(
        "near_copies", "Near-copies",
        "Share of the pictures that lie suspiciously near to one training picture, compared with real pictures that "
        "were not trained on.",
        "lower", "Yoon et al. 2023", "share", of_features=False,
    ),
    Metric(
        "gan_train", "GAN-train",
        "Accuracy on real test pictures of a classifier that has seen only generated ones.",
        "higher", "Shmelkov et al. 2018", "share", of_features=False,
    ),
    Metric(
        "stacked_modes", "Stacked modes",
        "Of the 1,000 pictures that three classes can form as red, green and blue, how many appear in 26,000 samples.",
        "higher", "Metz et al. 2017", "count",
    ),
    Metric(
        "stacked_divergence", "Stacked divergence",
        "How unevenly the 1,000 stacked pictures appear (Kullback–Leibler from the uniform, in nats).",
        "lower", "Srivastava et al. 2017",
    ),
    Metric(
        "inception_fid", "FID",
        "The Fréchet distance on features of Inception-V3, as papers report it; compare it only at the same number of "
        "pictures.",
        "lower", "Heusel et al. 2017",
    ),
)  # fmt: skip

BY_KEY = {metric.key: metric for metric in METRICS}
