"""Every seed and random generator that is derived from another seed.

=========================  ====================================  ====================================
used for                   derived from                          function
=========================  ====================================  ====================================
a trial                    ``[sweep seed, trial number]``        `trial_seed`
the label-cleaning         ``[sweep seed, purpose, *indices]``   `experiment_seed`
experiment
repeat 1, 2, ... of a      ``[trial seed, repeat, 7]``           `repeat_seed`; repeat 0 uses the
trial, each fold of a                                            trial's seed itself
repeat
a retrained model          ``[trial seed, index, 11]``           `retrain_seed`
one epoch of a training    ``[training seed, epoch]``            `epoch_generator`
=========================  ====================================  ====================================

`numpy.random.SeedSequence` hashes each list to a seed of 32 bits. Lists that differ give unrelated seeds; two of them
are equal with a probability of 2 to the power of -32. The last number (7 or 11) separates repeats from retrained
models, which start from the same trial seed.

Two pairs share a seed by construction. They are kept, because other values would change the results of existing sweeps:

- `SeedSequence` ignores zeros at the end of a list. The seed of an experiment with purpose p and no index, or index 0,
  is therefore the seed of trial number p of the same sweep (31 to 35).
- The order of the examples and the augmentation of an epoch start from generators of the same state. The order uses the
  generator for a permutation, the augmentation for uniform numbers.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """Uses of random numbers in the label-cleaning experiment; each has its own seed."""

    PLANTING = 31
    FOLDING = 32
    JUDGING = 33
    TRAINING = 34
    REMOVING = 35


def trial_seed(seed: int, number: int) -> int:
    """Derive the seed of a trial.

    Args:
        seed: Seed of the sweep, at least 0.
        number: Number of the trial, from 0.

    Returns:
        A seed of 32 bits.
    """
    return _derive(seed, number)


def repeat_seed(seed: int, repeat: int) -> int:
    """Derive the seed of a repeat of a trial, or of one fold of a repeat.

    Args:
        seed: Seed of the trial.
        repeat: Index among all trainings of the trial, from 0: with folds, those of the first repeat come first.

    Returns:
        The trial's own seed for repeat 0, so that the first repeat equals a training without repeats; otherwise a
        derived seed of 32 bits.
    """
    return _derive(seed, repeat, 7) if repeat else seed


def retrain_seed(seed: int, index: int) -> int:
    """Derive the seed of a model that is retrained for the report.

    Args:
        seed: Seed of the trial.
        index: Index of the retrained model, from 0.

    Returns:
        A seed of 32 bits that differs from the seeds of the trial's repeats.
    """
    return _derive(seed, index, 11)


def experiment_seed(seed: int, purpose: Purpose, *indices: int) -> int:
    """Derive a seed of the label-cleaning experiment.

    Args:
        seed: Seed of the sweep.
        purpose: Use of the random numbers.
        indices: Index of the fold or of the training, from 0, where a purpose needs several seeds.

    Returns:
        A seed of 32 bits.
    """
    return _derive(seed, purpose, *indices)


def epoch_generator(seed: int, epoch: int) -> np.random.Generator:
    """Create the random generator of one epoch of a training.

    The generator depends on its arguments only, so a resumed training draws the same numbers as an uninterrupted one.

    Args:
        seed: Seed of the training, at least 0.
        epoch: Index of the epoch, from 0.
    """
    return np.random.default_rng([seed, epoch])


def _derive(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
