"""What the workbench's training is measured against."""
