"""How often the alarm is right: short runs, sound and broken ones, against what 10,000 of their pictures show.

    python -m benchmarks.alarm_accuracy [--seeds 4 5 6] [--only SCENARIO …] [--record FILE.jsonl]

Each run trains on 12,000 pictures of MNIST (93 steps an epoch), from the shipped networks of its recipe or from the
start, and is measured at the end of each epoch as the worker does it. The truth is made apart from the alarm, of other
latents: a run is bad where the classes read in 10,000 of its final pictures diverge from the test set by ln(10/7)
nats or more, as they would if three of ten digits were left out. A bad run with a grave finding at its end is a hit, a
good one with such a finding a false alarm. `--record` keeps finished runs, so that a stopped command goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from gan_core.alarms import findings
from gan_core.checkpoints import read_tensors
from gan_core.data import Dataset, find_dataset
from gan_core.events import Scalars, SnapshotDue
from gan_core.history import History
from gan_core.live_quality import Gauge
from gan_core.metrics.classes import class_histogram, histogram_divergence
from gan_core.metrics.classifier import load_reader
from gan_core.recipes import find_recipe
from gan_core.sampling import cycle_labels, draw_latents, generate
from gan_core.shipped import WEIGHTS_DIR
from gan_core.trainer import Trainer

BAD = math.log(10 / 7)
SAMPLES, SAMPLE_SEED = 10_000, 1  # the gauge's own pictures have seed 0
SHORT: Mapping[str, Any] = {"training.held_out": 48_000, "training.batch_size": 128, "training.steps": 0,
                            "training.epochs": 7, "training.log_every": 25}  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A recipe with changes, trained on from its shipped networks or from the start."""

    name: str
    what: str
    recipe: str
    changes: Mapping[str, Any]
    shipped: bool = True


def rates(generator: float, discriminator: float) -> dict[str, float]:
    """Both learning rates."""
    return {"generator_optimizer.learning_rate": generator, "discriminator_optimizer.learning_rate": discriminator}


CALM = {"generator_optimizer.beta1": 0.5, "discriminator_optimizer.beta1": 0.5}
SCENARIOS = (
    Scenario("leaky", "R3 goes on", "leaky_gan", {}),
    Scenario("leaky, smooth", "R3 goes on with D's target 0.9", "leaky_gan",
             {"discriminator_terms.real_cross_entropy.target": 0.9}),
    Scenario("leaky, averaged", "R3 goes on with averaged weights", "leaky_gan", {"training.ema_decay": 0.99}),
    Scenario("leaky, wild G", "R3, G's rate 50 times as high", "leaky_gan", rates(1e-2, 2e-4)),
    Scenario("leaky, wild", "R3, both rates 50 times as high", "leaky_gan", rates(1e-2, 1e-2)),
    Scenario("leaky, still D", "R3, D learns nothing more", "leaky_gan", rates(1e-3, 1e-7)),
    Scenario("leaky, strong D", "R3, D's rate 20 times as high, three updates a step", "leaky_gan",
             rates(2e-4, 4e-3) | {"training.discriminator_steps": 3, "training.epochs": 14}),
    Scenario("fc", "R2a goes on", "fc_gan", {}),
    Scenario("fc, from the start", "R2a from the start", "fc_gan", {}, shipped=False),
    Scenario("fc, normalised", "R2a from the start with batch normalisation in G, β₁ 0.5 and higher rates", "fc_gan",
             {"generator.batch_norm": True, "training.update": "alternating", **CALM, **rates(2e-3, 5e-4)},
             shipped=False),
    Scenario("cgan", "R1 goes on", "cgan", {"training.epochs": 4}),
    Scenario("cgan, wild", "R1, both rates 50 times as high", "cgan", {"training.epochs": 4, **rates(1e-2, 1e-2)}),
)  # fmt: skip


def main() -> None:
    """Run what is not recorded yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[4, 5, 6])
    parser.add_argument("--only", nargs="+", choices=[scenario.name for scenario in SCENARIOS], metavar="SCENARIO")
    parser.add_argument("--record", type=Path, default=Path("alarm_accuracy.jsonl"))
    arguments = parser.parse_args()
    data = find_dataset("mnist").load()
    done = read(arguments.record)
    for seed in arguments.seeds:
        for scenario in SCENARIOS:
            if (scenario.name, seed) not in done and (arguments.only is None or scenario.name in arguments.only):
                done[scenario.name, seed] = result = run(scenario, seed, data)
                with arguments.record.open("a") as stream:
                    stream.write(json.dumps(result) + "\n")
                print(json.dumps({key: result[key] for key in ("scenario", "seed", "truth", "kinds", "cpu_seconds")}))
    print("\n".join(table(list(done.values()))))


def read(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The runs recorded so far."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {(result["scenario"], result["seed"]): result for result in map(json.loads, lines)}


def run(scenario: Scenario, seed: int, data: Dataset) -> dict[str, Any]:
    """Train, measure, and look at the end."""
    began = time.process_time()
    recipe = find_recipe(scenario.recipe).with_values({**SHORT, "training.seed": seed, **scenario.changes})
    trainer = Trainer(recipe, data)
    if scenario.shipped:
        trainer.load_networks(read_tensors(WEIGHTS_DIR / f"{scenario.recipe}.safetensors"))
    gauge, history = Gauge(trainer), History()
    lines: list[dict[str, Any]] = []
    alarms: list[list[str]] = []
    for event in trainer.events():
        if isinstance(event, Scalars):
            lines.append({"event": "scalars", **asdict(event)})
            history.add(lines[-1])
        elif isinstance(event, SnapshotDue) and event.step:
            lines.append({"event": "quality", **asdict(gauge.measure())})
            history.add(lines[-1])
            alarms.append([finding.kind for finding in findings(history, recipe) if finding.grave])
    last = [finding for finding in findings(history, recipe) if finding.grave]
    return {
        "scenario": scenario.name, "seed": seed, "truth": divergence(trainer),
        "kinds": [finding.kind for finding in last], "said": [finding.plain for finding in last],
        "at_epochs": alarms, "steps": trainer.step, "cpu_seconds": time.process_time() - began, "lines": lines,
    }  # fmt: skip


def divergence(trainer: Trainer) -> float:
    """KL of the classes in 10,000 pictures from those in the test set, in nats."""
    recipe, reader = trainer.recipe, load_reader("mnist")
    z = draw_latents(recipe.latents, SAMPLE_SEED, SAMPLES)
    labels = cycle_labels(SAMPLES, range(10)) if recipe.conditional else None
    made = reader.classify(generate(trainer.sampler, z, labels, recipe.generator.pixel_range))
    real = find_dataset("mnist").load("test").labels
    return histogram_divergence(class_histogram(made, 10), class_histogram(real, 10))


def table(results: list[dict[str, Any]]) -> Iterator[str]:
    """The counts, and one line a scenario, as Markdown."""
    verdicts = [(result["truth"] >= BAD, bool(result["kinds"])) for result in results]
    yield f"{len(results)} runs on {torch.get_num_threads()} thread(s), torch {torch.__version__}"
    yield ""
    yield "| | alarm | no alarm |"
    yield "|---|---|---|"
    for bad, title in ((True, "bad run"), (False, "good run")):
        counts = [sum(verdict == (bad, alarm) for verdict in verdicts) for alarm in (True, False)]
        yield f"| {title} | {counts[0]} | {counts[1]} |"
    yield ""
    yield "| run | what it is | KL to the data, each seed | what the alarm said at the end |"
    yield "|---|---|---|---|"
    for scenario in SCENARIOS:
        own = sorted((result for result in results if result["scenario"] == scenario.name), key=lambda r: r["seed"])
        truths = ", ".join(f"{result['truth']:.2f}" for result in own)
        said = "; ".join(" and ".join(result["kinds"]) or "nothing" for result in own)
        yield f"| {scenario.name} | {scenario.what} | {truths} | {said} |"


if __name__ == "__main__":
    main()
