"""One flow = read, decide, write once."""
