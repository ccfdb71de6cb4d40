"""EpyG's extended phase graph of a multi-echo spin-echo train, tissue by tissue."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """Rows of T2 (ms) and B1 to echoes: its operators, pulses 90 degrees apart in phase."""
    from epyg.EpyG import epg  # pyright: ignore[reportMissingImports]
    from epyg.Operators import (  # pyright: ignore[reportMissingImports]
        Epsilon,
        Observer,
        Shift,
        Transform,
    )

    echoes, spacing, t1 = problem["echoes"], problem["spacing"], problem["t1"]

    def train(t2: float, b1: float) -> np.ndarray:
        state = epg(initial_size=2 * echoes + 2)
        excite = Transform(np.deg2rad(90.0) * b1, 0.0)
        refocus = Transform(np.deg2rad(180.0) * b1, 0.5 * np.pi)
        relax, shift = Epsilon(0.5 * spacing / t1, 0.5 * spacing / t2), Shift(compact=0.0)
        echo = Observer(f_states=(0,))
        half = shift * relax
        once = echo * half * refocus * half
        excite(state)
        for _ in range(echoes):
            once(state)
        return np.abs(echo.get_f(0))

    return lambda tissue: np.stack([train(*row) for row in tissue]), lambda found: found


if __name__ == "__main__":
    serve(prepare)
