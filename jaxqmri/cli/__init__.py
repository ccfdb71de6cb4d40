"""The ``jaxqmri`` command: one module for each of its commands."""
