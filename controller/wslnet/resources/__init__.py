"""One file for one resource: what can be declared on a machine, and its pure difference to the facts."""
