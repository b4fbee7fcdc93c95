"""What the commands do: loads the inventory, opens connections, runs the engine, forms results."""
