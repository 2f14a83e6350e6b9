"""SciPy, optax, torch.optim and pymanopt, each with derivatives by any AD engine."""
