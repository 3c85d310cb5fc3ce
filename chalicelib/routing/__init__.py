"""Message and tags -> queue and lane. Pure."""
