"""The cases of Lux.jl's manual on nested automatic differentiation."""
