"""The table: the only place that spells keys."""
