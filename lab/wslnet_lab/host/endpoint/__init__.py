"""Constrained endpoints: session configurations and role capabilities, enforced as a real engine does."""
