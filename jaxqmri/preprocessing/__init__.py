"""Images to images: bring one image onto the grid of another.

Registration needs antspyx (the extra ``jaxqmri[experiments]``), which loads when it is first used.
"""

from jaxqmri.preprocessing.registration import Registered, register_rigid, rigid_transform
from jaxqmri.preprocessing.resampling import resample

__all__ = ["Registered", "register_rigid", "resample", "rigid_transform"]
