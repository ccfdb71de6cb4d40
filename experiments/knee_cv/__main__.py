"""Run the experiment: ``python -m experiments.knee_cv``."""

from experiments.knee_cv.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
