"""Each paper's question, asked again: one file for each, run as ``python -m experiments.NAME``."""
