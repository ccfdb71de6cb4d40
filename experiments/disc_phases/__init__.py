"""Phases of disc degeneration, defined by T1rho, told from routine T1-weighted images.

Paper
    Li et al., Deep Learning Assisted Classification of T1rho-MR Based Intervertebral Disc
    Degeneration Phases, J Magn Reson Imaging 2024, doi:10.1002/jmri.29499.
Question
    A detector finds five lumbar discs in a T1-weighted image, a wide residual network tells
    maximum, minimum and mean T1rho of each, and a support vector machine the phase. What of that
    is more than a disc's level and its patient's age tell, and what is left of it when the discs
    of a patient stay together? Tables 1 to 4, two evaluations side by side, six rungs that need no
    network, and the area under the ROC curve by how strongly degeneration shows in the images.
Command
    python -m experiments.disc_phases [--preset smoke|quick|full|paper] [--data DIR] [--out DIR]
        [--seed N] [--ablation t2w|no-smote|no-coupling|all ...]
Data
    Simulated by default. docs/run_a_paper.md says what a folder of your own holds.
Duration, on two CPU cores
    smoke two minutes; quick about ten; paper is for a GPU.
What to expect
    On T1-weighted images healthy and worn discs are nearly alike, so that areas depend on how much
    of degeneration the simulation lets show: coupling 1 is the headline, and at coupling 0 there
    is nothing to see beyond level and age.
"""
