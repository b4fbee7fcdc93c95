"""What Windows has no program for: UDP carried to WSL in NAT mode. Imports nothing of the agent beside it."""
