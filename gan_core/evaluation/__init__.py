"""What a generator is worth: drawn pictures against real ones, kept, shown and tabled."""
