"""Measures the budgets: `make bench` writes build/bench.json."""
