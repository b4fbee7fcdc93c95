"""The Linux half: the one-shot agent that travels over stdin (standard library, Python 3.5 syntax)."""
