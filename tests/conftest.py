"""Every call inside jaxqmri is checked against its annotations while the tests run."""

from jaxtyping import install_import_hook

install_import_hook("jaxqmri", "beartype.beartype")
