"""How programs that run but a few times are compiled in tests."""

from functools import partial

import jax

# without optimisation: in a fifth of the time, for hundreds of layers or slopes of a whole fit
quickly = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
