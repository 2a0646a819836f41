from __future__ import annotations

from mnistsweep.seeds import Purpose, epoch_generator, experiment_seed, repeat_seed, retrain_seed, trial_seed


def test_values_are_those_of_every_version_before() -> None:
    """A sweep that is continued, and a report that is written again, use these numbers."""
    assert [trial_seed(0, 0), trial_seed(5, 3)] == [2968811710, 727168946]
    assert [repeat_seed(5, 0), repeat_seed(5, 3)] == [5, 1804240874]
    assert retrain_seed(5, 3) == 2030031412
    assert [experiment_seed(5, Purpose.JUDGING), experiment_seed(5, Purpose.JUDGING, 1)] == [1884012689, 3900702341]
    assert [int(purpose) for purpose in Purpose] == [31, 32, 33, 34, 35]
    assert epoch_generator(5, 2).permutation(8).tolist() == [0, 4, 5, 7, 3, 1, 2, 6]


def test_seeds_of_trials_differ() -> None:
    seeds = [trial_seed(0, number) for number in range(100)] + [trial_seed(1, 0)]
    assert len(set(seeds)) == 101
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_repeats_and_retrained_models_of_a_trial_have_different_seeds() -> None:
    seeds = [repeat_seed(5, index) for index in range(100)] + [retrain_seed(5, index) for index in range(100)]
    assert len(set(seeds)) == 200


def test_experiment_seeds_differ_but_for_the_shared_zero_index() -> None:
    seeds = [experiment_seed(5, purpose, index) for purpose in Purpose for index in range(20)]
    assert len(set(seeds)) == 100
    assert experiment_seed(5, Purpose.PLANTING) == experiment_seed(5, Purpose.PLANTING, 0) == trial_seed(5, 31)


def test_epoch_generators_depend_on_seed_and_epoch_only() -> None:
    draws = [epoch_generator(seed, epoch).random() for seed in (0, 1) for epoch in (0, 1)]
    assert len(set(draws)) == 4
    assert epoch_generator(1, 1).random() == draws[3]
