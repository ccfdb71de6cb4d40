"""Whole runs compile the same programs again and again: here each is compiled once."""

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

WORTH_KEEPING = 0.2  # seconds that a program took to compile


@pytest.fixture(scope="session")
def programs(tmp_path_factory, worker_id):
    """The folder in which compiled programs are kept, the same for all of pytest's workers."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "programs"
    folder.mkdir(exist_ok=True)
    return str(folder)


@pytest.fixture(scope="module", autouse=True)
def compiled_once(programs):
    """Keep compiled programs, for runs in this process and for those that a test starts."""
    settings = {
        "jax_compilation_cache_dir": programs,
        "jax_persistent_cache_min_compile_time_secs": WORTH_KEEPING,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name.upper(), str(value))
            jax.config.update(name, value)
        # JAX asks once, at its first program, whether programs are kept, and remembers the answer
        compilation_cache.reset_cache()
        yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
