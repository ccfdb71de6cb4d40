"""Slow and plain: the same physics in float64 NumPy, written independently, one voxel at a time."""
