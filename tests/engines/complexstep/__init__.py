"""The complex step."""
