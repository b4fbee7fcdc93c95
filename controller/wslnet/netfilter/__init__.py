"""Saved firewall rules, decoded: tables, chains, rules, and the way a packet takes through them. Pure."""
