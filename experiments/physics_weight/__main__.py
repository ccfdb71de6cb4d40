"""Run the experiment: ``python -m experiments.physics_weight``."""

from experiments.physics_weight.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
