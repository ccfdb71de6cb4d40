"""Knee T1rho from a PD-weighted image and one spin-lock image: networks, fits, and trivial rivals.

Paper
    Zhong et al., Magnetic Resonance in Medicine 2025;94:2745-2757, doi:10.1002/mrm.70022.
Question
    Can a clinical PD-weighted image stand in for the image without spin lock, so that one
    spin-lock time is enough for a T1rho map? The reference is the fit to four spin-lock times.
    Every row of the paper's Table 4: two U-Nets, a perceptron and non-linear least squares (NLLS)
    at six pairs of images. Beside them what the paper lacks: the mean of the training subjects, a
    median look-up table, and NLLS told the scan's gain by muscle; how much of the differences
    between subjects and groups each method keeps; and how it repeats itself on a second scan.
Command
    python -m experiments.knee_cv [--preset smoke|quick|full|paper] [--data DIR] [--out DIR]
        [--ablation NAME ...] [--seeds N] [--physics-weight W]
Duration, on two CPU cores
    smoke two minutes; quick about seven minutes once the 40 knees are simulated and registered,
    four more the first time; full about half an hour; paper is for a GPU.
    Every ablation, and every further seed, is a run of its own and takes as long again.
What to expect
    With a PD-weighted image NLLS is far too long, near its bound of 100 ms, because that image is
    darker than one without spin lock; the longer the spin lock, the less so. Networks learn the
    gain away. Which of the paper's claims about them hold on these data the page says, each with
    its number and interval. What those numbers rest on --ablation asks: runs in which the cause
    that the simulation holds is taken away, each with what should become of the claims.
"""
