"""The networks of ``jaxqmri.networks`` in PyTorch, channels last, and the step that trains them."""
