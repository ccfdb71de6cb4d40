"""Knee T1rho from a PD-weighted image and one spin-lock image: the two-point fits.

Paper
    Zhong et al., Magnetic Resonance in Medicine 2025;94:2745-2757, doi:10.1002/mrm.70022.
Question
    Can a clinical PD-weighted image stand in for the image without spin lock, so that one
    spin-lock time is enough for a T1rho map? The reference is the fit to four spin-lock times.
    Here: the paper's non-linear least squares (NLLS) rows, all six inputs of its Table 4. The
    networks' rows stand beside them as the paper prints them, marked as not run.
Command
    python -m experiments.knee_cv [--preset smoke|quick|full|paper] [--data DIR] [--out DIR]
Duration, on two CPU cores
    smoke about a minute; quick about five minutes, most of it spent on simulating 40 knees and
    registering them the first time; full and paper grow with their grids.
What to expect
    With a PD-weighted image the fit is far too long, near its bound of 100 ms, because that image
    is darker than one without spin lock; the longer the spin lock, the less so. With two
    spin-lock images it is right within a few ms, best with the longest.
"""
