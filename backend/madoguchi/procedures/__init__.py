"""手続: plain functions that run inside a door's transaction; one subject a file."""
