"""Chat messages: one module for each provider, each with `verify` and `messages`; `adapters` is their table."""
