"""What functions for every engine may use."""
