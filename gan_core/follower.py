"""What the ranks other than the first do: train along, in silence, and leave all files to rank 0."""

from __future__ import annotations

from gan_core.data import find_dataset
from gan_core.devices import keep_freed_memory
from gan_core.distributed import World, local_device
from gan_core.events import StepDone
from gan_core.recipes.recipe import recipe_from_dict
from gan_core.trainer import Trainer


def follow(world: World) -> None:
    """Train what rank 0 trains, from where it starts and until it stops.

    Raises:
        LostRankError: another rank is gone.
        UserError: this machine cannot have the data set or the device.
    """
    keep_freed_memory()
    job = world.share({"recipe": {}, "device": ""})
    recipe = recipe_from_dict(job["recipe"])
    dataset = find_dataset(recipe.dataset).load()
    trainer = Trainer(recipe, dataset, local_device(str(job["device"])), world)
    trainer.load_state_dict(world.share({}))
    for event in trainer.events():
        if isinstance(event, StepDone):
            while (command := world.command()) == "pause":
                continue
            if command == "stop":
                return
