"""Weights from and to the Hugging Face Hub: references, downloads, model cards and uploads."""
