"""Every call inside jaxqmri is checked against its annotations while the tests run."""

import os

from hypothesis import settings
from jaxtyping import install_import_hook

# read by ITK once, when it is first imported, which a test may do before jaxqmri does: on one
# thread registrations are the same to the last digit in every process
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

install_import_hook("jaxqmri", "beartype.beartype")

# the same examples in every run: one that fails does so for whoever looks next, too
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
