"""Small GANs: models, the training step, runs, sampling and metrics, independent of any user interface."""
