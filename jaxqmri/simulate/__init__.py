"""A scanner that never existed: cohorts of digital subjects, imaged through the physics."""
