"""`stop_gradient`."""
