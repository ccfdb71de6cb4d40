"""Run the experiment: ``python -m experiments.liver_uncertainty``."""

from experiments.liver_uncertainty.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
