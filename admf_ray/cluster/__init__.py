"""Everything that knows Ray: jobs cut into tiles, actors that run them, and the driver's side of it."""
