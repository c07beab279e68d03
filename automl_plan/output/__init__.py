"""What people and programs read: text for terminals, and JSON. Nothing here asks or decides."""
