"""Femoral cartilage T2 by subregion, over four years, from a network's segmentation.

Paper
    Thomas et al., Open Source Software for Automatic Subregional Assessment of Knee Cartilage
    Degradation Using Quantitative T2 Relaxometry and Deep Learning, Cartilage 2021,
    doi:10.1177/19476035211042406.
Question
    Does a network that segments cartilage in echo trains tell T2 of twelve subregions, its change
    over four years and the clusters of change as closely to one reader as another reader does? All
    of Table 2, the 27 regions of the figures and supplementary tables, and clusters. Beside them
    what the paper lacks: intervals over subjects, an atlas, a network trained on the second
    reader, five ways to fit T2 and how well each repeats, a rule of subregions that does not move
    with the patient, and the clusters of knees in which nothing changed.
Command
    python -m experiments.knee_t2 [--preset smoke|quick|full|paper] [--data DIR] [--out DIR]
        [--rule paper|dosma|anatomical] [--fit offset|two-parameters] [--ablation NAME ...]
Data
    Simulated by default. The paper's images are those of the Osteoarthritis Initiative:
    docs/oai.md says how to get and convert them, and --data runs this on them.
Duration, on two CPU cores
    smoke two minutes; quick eight to nine; full within an hour; paper is for a GPU.
What to expect
    Overlap follows how steadily a reader draws, and a network copies its reader's habits: it
    agrees with the reader it learnt from better than another reader does, whoever is right. What
    is informative is regional T2, where habits matter less. Clusters cover much of a plate on
    which nothing has happened.
"""
