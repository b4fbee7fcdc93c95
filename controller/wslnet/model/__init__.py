"""The vocabulary: machines, facts, resources, ops, changes, plans, findings. Pure data, no I/O."""
