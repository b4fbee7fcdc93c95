"""The guest half: what WSL's own network service sets in the utility VM, event by event, as recorded."""
