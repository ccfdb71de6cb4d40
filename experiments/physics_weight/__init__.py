"""The weight of physics: a loss of labels, a loss of the signal equation, and all in between.

Question
    A network reads T1rho off two spin-lock images. It may learn from labels, maps that were fitted
    to more images; from the signal equation alone, which asks for no label; or from both, ``L1 + w
    physics`` with any weight ``w``. When does the equation help, by how much, and when does it
    hurt? By the number of training subjects, with and without images of further subjects that
    nobody has labelled; by the noise of the labels; and where the images do not obey the equation
    that the loss holds them to: an offset that it ignores, a transmit field that it takes for
    right, a PD-weighted image that it takes for spin-lock time zero.
Command
    python -m experiments.physics_weight [--preset smoke|quick|full|paper] [--organ knee|liver]
        [--data DIR] [--out DIR] [--seed N]
Data
    Simulated by default. docs/run_a_paper.md says what a folder of your own holds.
Duration, on two CPU cores
    smoke one minute; quick about five; full half an hour; paper is for a GPU.
What to expect
    Curves with 95 % intervals over training seeds and test subjects, and first of all a paragraph
    that the page computes. Every error is of subjects that no network has seen; of simulated ones
    against the fit to all four images without their noise. Beside it the error in noisier images,
    from a spin-lock time that no network has seen, and how far images that a network is not given
    lie from what its map says of them.
"""
