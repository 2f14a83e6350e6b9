"""What is run from the shell, or by hand: the command line, comparisons, `doctor`, `autotune`."""
