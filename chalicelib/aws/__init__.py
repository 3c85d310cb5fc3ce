"""One narrow module per AWS service."""
