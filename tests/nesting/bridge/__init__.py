"""A function with an engine of its own, inside every other engine."""
