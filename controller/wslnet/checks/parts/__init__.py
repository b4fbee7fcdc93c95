"""What several checks share: making findings, wires below a machine, routes, Hyper-V rules. Pure."""
