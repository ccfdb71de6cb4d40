"""Slow imports, made beside the work that does not need them yet."""

from __future__ import annotations

from threading import Thread


class Loading:
    """What computes is imported while images are read, what draws while the fit compiles.

    Whoever starts it must :meth:`finish` it: an import that the end of the program cuts short,
    or that another thread meets half-way, leaves modules that look whole.

    Parameters
    ----------
    devices
        CPU devices for JAX, all the cores when None.
    page
        Whether a page will be drawn.
    """

    def __init__(self, devices: int | None, page: bool):
        self._drawing = Thread(target=_load_drawing) if page else None
        self._computing = Thread(target=self._load_computing, args=(devices,))
        self._computing.start()

    def for_computing(self) -> None:
        """Wait for what a fit needs."""
        self._computing.join()

    def for_drawing(self) -> None:
        """Wait for what a page needs."""
        self._computing.join()
        if self._drawing is not None:
            self._drawing.join()

    def finish(self) -> None:
        """Wait for everything that has been started."""
        self.for_drawing()

    def _load_computing(self, devices: int | None) -> None:
        from jaxqmri.cli.accelerator import configure_jax

        try:
            configure_jax(devices)
            import jaxqmri.fitting  # noqa: F401
        finally:
            if self._drawing is not None:
                self._drawing.start()


def _load_drawing() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401

    import jaxqmri.report.quality  # noqa: F401
