"""Liver T1rho from two images: a coarse map refined, how far to trust it, and what doubt is for.

Paper
    Huang et al., An Uncertainty Aided Framework for Learning based Liver T1rho Mapping and
    Analysis, 2023, doi:10.48550/arXiv.2307.02736.
Question
    Can a network refine a map that was fitted to two spin-lock times into that of four (LBR),
    say how far it is to be trusted (LBRU), and be trained better with that doubt as a weight
    (LBUDR)? Every row of the paper's Table 2, and all that its figures measure of the doubt.
    Beside them what the paper lacks: a parabola of three numbers, the network on logarithms of
    the images, networks held to the signal equation with and without fitted maps, one that learns
    its doubt in milliseconds from the images alone, an ensemble, conformal intervals, and the
    error that the two-point fit itself reports.
Command
    python -m experiments.liver_uncertainty [--preset smoke|quick|full|paper] [--data DIR]
        [--out DIR] [--ablation NAME ...]
Duration, on two CPU cores
    smoke one minute; quick six minutes; full half an hour; paper is for a GPU. Every ablation is a
    run of its own and takes as long again.
What to expect
    Two points and four points do not measure the same decay where it has a short component: the
    coarse map is systematically too long, and a parabola takes most of that away. What a network
    adds to it, and whether its doubt tells anything beyond one number, the page says first.
"""
