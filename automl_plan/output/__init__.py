"""What people and programs read. Nothing here asks or decides."""
