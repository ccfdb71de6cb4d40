"""Fits of other packages, each in an environment of its own; see :mod:`benchmarks.environments`.

A program here imports NumPy, its package and :mod:`benchmarks.timing`, nothing else.
"""
