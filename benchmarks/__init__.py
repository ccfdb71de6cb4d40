"""The fit beside what a user would pick instead, on the same arrays in one run."""
