"""Ways to machines: each is one bidirectional byte pipe to a process there, and what speaks over it."""
