"""What users declare: backends, contexts, strings, settings. Inert, and free to import."""
