"""One call or many: what was asked, for which arguments, by which engine."""
