"""Compiled loops over graphs.

A graph is a pair of arrays: the neighbors of vertex v are ``indices[pointers[v]:pointers[v + 1]]``,
pointers of dtype int64 and indices of dtype int32. A color is a number from 0 on; -1 is neutral, or
not colored yet.
"""
