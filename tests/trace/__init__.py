"""`hutchinson_trace`."""
