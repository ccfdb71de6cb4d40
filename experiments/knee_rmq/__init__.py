"""Knee T1, adiabatic T1rho and cartilage from a fraction of a UTE scan, by one network.

Paper
    Lu et al., Deep Convolutional Neural Network for Dedicated Regions-of-Interest Based
    Multi-Parameter Quantitative Ultrashort Echo Time (UTE) Magnetic Resonance Imaging of the Knee
    Joint, Journal of Imaging Informatics in Medicine 2024, doi:10.1007/s10278-024-01089-8.
Question
    How few images of 4 flip angles and 7 spin-lock times does one network need to tell M0, T1, B1
    and T1rho, and where cartilage is? All rows of the paper's Tables 1 and 2. Beside them what the
    paper lacks: the same images fitted with priors, the median of the training subjects, the
    overlap of the segmentation, errors to the true maps where data are simulated, what is left of
    differences between groups, and intervals over subjects. And what the paper leaves open: what a
    loss that holds the network to the signal equations buys, by its weight and the acceleration.
Command
    python -m experiments.knee_rmq [--preset smoke|quick|full|paper] [--data DIR] [--out DIR]
        [--inputs NAME ...] [--physics WEIGHT ...] [--ablation NAME ...]
Duration, on two CPU cores
    smoke two minutes; quick ten minutes, a third less once its subjects are kept; full an hour;
    paper is for a GPU. Every ablation is a run of its own and takes as long again.
What to expect
    Correlations over voxels fall as images are left out; those of slices' means say little, for
    fifteen subjects leave them wide intervals. A fit with priors to the same images is no weak
    competitor: whether the network beats it, the page says first.
"""
