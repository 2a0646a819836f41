"""The order of trainings of which some were stopped early."""

import numpy as np

from mnistsweep.analysis.curve_order import win_shares


def test_without_stopped_trainings_it_is_the_order_of_the_results():
    shares = win_shares(np.array([3.0, 1.0, 2.0, 2.0]), np.zeros(4, bool), [{}, {}, {}, {}])
    np.testing.assert_allclose(shares, [1.0, 0.0, 0.5, 0.5])


def test_a_stopped_training_is_compared_after_equal_epochs():
    """The first one leads after each of its two epochs; the others get better later."""
    curves = [{1: 0.6, 2: 0.7}, {1: 0.5, 2: 0.6, 3: 0.9}, {1: 0.4, 2: 0.65, 3: 0.8}]
    gains = np.array([0.7, 0.9, 0.8])
    np.testing.assert_allclose(win_shares(gains, np.array([True, False, False]), curves), [1.0, 0.5, 0.0])
    # Trainings that all ended are compared by their results, whatever their numbers of epochs are.
    np.testing.assert_allclose(win_shares(gains, np.zeros(3, bool), curves), [0.0, 1.0, 0.5])


def test_epochs_without_a_number_and_missing_curves():
    curves = [{1: np.nan, 2: 0.3}, {1: 0.1}, {}]
    shares = win_shares(np.array([0.3, 0.1, 0.2]), np.array([False, True, True]), curves)
    np.testing.assert_allclose(shares, [0.5, 0.5, 0.5])


def test_more_epochs_alone_are_no_advantage():
    """Noise: trainings with more epochs have larger maxima, and still beat the others in half of the cases."""
    rng = np.random.default_rng(0)
    lengths = np.where(np.arange(300) % 2 == 0, 16, 1)
    curves = [dict(enumerate(rng.normal(size=length).tolist(), start=1)) for length in lengths]
    gains = np.array([max(curve.values()) for curve in curves])
    shares = win_shares(gains, lengths == 1, curves)
    assert gains[lengths == 16].mean() > gains[lengths == 1].mean() + 1
    assert abs(shares[lengths == 1].mean() - 0.5) < 0.03
