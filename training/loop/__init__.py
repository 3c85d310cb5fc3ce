"""The learning loop: what people decided becomes the next model, if that is not worse than the one that serves."""
