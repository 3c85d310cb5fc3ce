"""Message out: what people wrote becomes mail and chat replies, and what providers say of them is read. Pure."""
