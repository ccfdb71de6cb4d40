"""Fits that run in this environment, one program each; see :mod:`benchmarks.timing`."""
