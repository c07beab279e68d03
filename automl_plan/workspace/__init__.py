"""A configuration directory, opened: gathers inputs, makes plans, lists what is live."""
