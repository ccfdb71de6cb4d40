"""Run the experiment: ``python -m experiments.disc_phases``."""

from experiments.disc_phases.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
