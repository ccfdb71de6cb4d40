"""Every call inside jaxqmri is checked against its annotations while the tests run."""

import os

from jaxtyping import install_import_hook

# read by ITK once, when it is first imported, which a test may do before jaxqmri does: on one
# thread registrations are the same to the last digit in every process
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

install_import_hook("jaxqmri", "beartype.beartype")
