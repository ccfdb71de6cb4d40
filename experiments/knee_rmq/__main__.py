"""Run the experiment: ``python -m experiments.knee_rmq``."""

from experiments.knee_rmq.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
