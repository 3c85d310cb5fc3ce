"""Bytes in, a Message out: pure functions of their arguments."""
