"""What the core knows of arrays, of any framework."""
