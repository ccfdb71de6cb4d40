"""scipy's ``curve_fit`` inside the model's bounds."""

from __future__ import annotations

from functools import partial

from benchmarks.methods.scipy_curve_fit import prepare
from benchmarks.timing import serve

if __name__ == "__main__":
    serve(partial(prepare, bounded=True))
