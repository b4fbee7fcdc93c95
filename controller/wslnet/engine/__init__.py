"""Gathers facts, orders changes into plans, applies them under a journal, takes them back."""
