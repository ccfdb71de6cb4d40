"""How the cost grows with the work; ``python -m benchmarks.growth`` measures and draws it."""
