"""Run the experiment: ``python -m experiments.knee_t2``."""

from experiments.knee_t2.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
