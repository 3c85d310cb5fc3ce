"""Chat messages: one module for each provider, each with `parse` and `verify`."""
