"""Optimizers and schedules: presets against Keras itself, values of the schedules, messages."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import keras
import pytest
from omegaconf import OmegaConf

from mnistsweep.errors import ConfigError
from mnistsweep.models import keras_names
from mnistsweep.models.optimizers import build_learning_rate, build_optimizer, check, find_class, names

CONF = Path(__file__).parents[2] / "conf"
NAMES = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))
CONSTANT = {"name": "constant"}


def load(group: str, preset: str, /, **keys: Any) -> dict[str, Any]:
    config = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{preset}.yaml"))
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()} | keys


def keywords(class_name: str) -> dict[str, Any]:
    """Keywords and defaults of a Keras optimizer, from its own signature."""
    parameters = inspect.signature(getattr(keras.optimizers, class_name)).parameters
    return {name: value.default for name, value in parameters.items() if name not in ("name", "kwargs")}


def test_the_optimizers_are_those_of_keras() -> None:
    # Wrappers around other optimizers take no learning rate of their own.
    found = {
        name
        for name, value in vars(keras.optimizers).items()
        if inspect.isclass(value) and "learning_rate" in inspect.signature(value).parameters
    }
    assert {find_class(name) for name in names()} == found


@pytest.mark.parametrize("name", names())
def test_the_arguments_read_from_the_source_are_those_of_the_class(name: str) -> None:
    class_name = str(find_class(name))
    assert dict(keras_names.arguments("optimizers", class_name)) == keywords(class_name)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_holds_the_defaults_of_its_class(name: str) -> None:
    written = load("optimizer", name)
    class_name = find_class(name)
    if class_name is None:
        pytest.skip(f"Keras {keras.__version__} has no optimizer {name}")
    expected = keywords(class_name)
    assert written == {"name": name} | {key: expected[key] for key in written if key != "name"}


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_builds_and_lowers_a_loss(name: str) -> None:
    if find_class(name) is None:
        pytest.skip(f"Keras {keras.__version__} has no optimizer {name}")
    optimizer = build_optimizer(load("optimizer", name), CONSTANT, 10, 2)
    weights = keras.Variable([[3.0, -2.0], [1.0, 4.0]])
    optimizer.build([weights])
    for _ in range(3):
        optimizer.apply([2 * weights.value], [weights])
    assert float(keras.ops.sum(weights.value**2)) < 30


def test_keys_reach_keras() -> None:
    sgd = build_optimizer(load("optimizer", "sgd", momentum=0.9, nesterov=True, clipnorm=1.0), CONSTANT, 10, 2)
    assert isinstance(sgd, keras.optimizers.SGD)
    assert (sgd.momentum, sgd.nesterov, sgd.clipnorm) == (0.9, True, 1.0)
    assert float(sgd.learning_rate) == pytest.approx(0.01)
    config = OmegaConf.create(load("optimizer", "adamw", weight_decay=0.1))
    assert build_optimizer(config, CONSTANT, 10, 2).weight_decay == 0.1  # type: ignore[arg-type]


class HalvedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """A user's own optimizer."""

    def __init__(self, learning_rate: float = 0.5, factor: float = 0.5, **kwargs: Any) -> None:
        super().__init__(learning_rate * factor, **kwargs)


def test_an_optimizer_of_ones_own() -> None:
    dotted = f"{__name__}.HalvedAdam"
    own = build_optimizer({"_target_": dotted, "learning_rate": 0.2, "factor": 0.25}, CONSTANT, 10, 2)
    assert isinstance(own, HalvedAdam)
    assert float(own.learning_rate) == pytest.approx(0.05)
    default = build_optimizer({"_target_": dotted, "name": "adam"}, CONSTANT, 10, 2)
    assert float(default.learning_rate) == pytest.approx(0.25)
    with pytest.raises(ConfigError, match=r"must give a Keras optimizer; it gave \{\}"):
        build_optimizer({"_target_": "builtins.dict"}, CONSTANT, 10, 2)
    with pytest.raises(ConfigError, match=r"learning_rate must be set: the cosine schedule"):
        build_optimizer({"_target_": dotted}, {"name": "cosine"}, 10, 2)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": "adm"}, r"optimizer.name: no optimizer 'adm'; did you mean 'adam'\?"),
        ({"name": None}, "optimizer.name: no optimizer None"),
        ({"beta1": 0.8}, r"optimizer.beta1: .*did you mean 'beta_1'\?"),
        ({"momentum": 0.9}, "optimizer.momentum: adam takes no such key"),
        ({"learning_rate": 0}, "optimizer.learning_rate must be a number above 0; received 0"),
        ({"learning_rate": "fast"}, "must be a number above 0; received 'fast'"),
        ({"learning_rate": float("nan")}, "must be a number above 0; received nan"),
        ({"epsilon": "small"}, "optimizer.epsilon must be a number; received 'small'"),
        ({"amsgrad": 1}, "optimizer.amsgrad must be true or false; received 1"),
        ({"clipnorm": "one"}, "optimizer.clipnorm must be a number; received 'one'"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "keras.optimizers.Adam refuses its keys: Only one of"),
        ({"_target_": "mnistsweep.models.optimizers.Adam"}, "optimizer._target_: .* has no 'Adam'"),
    ],
)
def test_faults_of_an_optimizer(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_optimizer(load("optimizer", "adam", **keys), CONSTANT, 10, 2)


def test_there_is_a_preset_for_each_optimizer() -> None:
    assert set(NAMES) <= set(names())


def test_values_of_a_users_class_are_checked_where_keras_has_the_argument() -> None:
    config = {"_target_": "keras.optimizers.Adam", "learning_rate": 0.1, "beta_1": "high", "nesterov": 3, "own": "any"}
    found = check(config, CONSTANT)
    assert [fault.split()[0] for fault in found] == ["optimizer.beta_1", "optimizer.nesterov"]


def test_constant_schedule_is_the_rate_itself() -> None:
    assert build_learning_rate(0.02, load("schedule", "constant"), 10, 2) == 0.02


def test_cosine_falls_from_the_rate_to_the_final_rate() -> None:
    schedule = build_learning_rate(0.4, load("schedule", "cosine", final_learning_rate=0.1), 10, 2)
    assert not isinstance(schedule, float)
    # Half way between 0.4 and 0.1 after half of the 20 steps; constant after the last.
    assert [float(schedule(step)) for step in (0, 10, 20, 25)] == pytest.approx([0.4, 0.25, 0.1, 0.1])


def test_cosine_with_warm_up_rises_in_a_line_first() -> None:
    schedule = build_learning_rate(0.4, load("schedule", "cosine", warmup_epochs=1.5), 10, 4)
    assert not isinstance(schedule, float)
    values = [float(schedule(step)) for step in (0, 3, 15, 40)]
    assert values == pytest.approx([0.0, 0.08, 0.4, 0.0], abs=1e-6)
    # A quarter of the 25 steps of decay: 0.4 * (1 + cos(45 degrees)) / 2, met between two steps.
    assert float(schedule(21)) > 0.4 * 0.853553 > float(schedule(22))


def test_the_schedule_drives_the_optimizer() -> None:
    optimizer = build_optimizer(load("optimizer", "sgd"), load("schedule", "cosine", warmup_epochs=1), 4, 2)
    weights = keras.Variable([1.0])
    optimizer.build([weights])
    rates = []
    for _ in range(8):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.ones(1)], [weights])
    assert rates[:5] == pytest.approx([0.0, 0.0025, 0.005, 0.0075, 0.01])
    assert rates[5] > rates[6] > rates[7] > 0
    assert float(optimizer.learning_rate) == pytest.approx(0.0, abs=1e-9)


def test_one_step_of_training_still_decays() -> None:
    schedule = build_learning_rate(0.4, load("schedule", "cosine", warmup_epochs=0.6), 1, 1)
    assert not isinstance(schedule, float)
    assert [float(schedule(step)) for step in (0, 1)] == pytest.approx([0.4, 0.0])


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"name": "cosin"}, r"schedule.name: no schedule 'cosin'; did you mean 'cosine'\?"),
        ({"name": "cosine", "warmup": 1}, r"schedule.warmup: .*did you mean 'warmup_epochs'\?"),
        ({"name": "constant", "warmup_epochs": 1}, "schedule.warmup_epochs: constant takes no such key"),
        ({"name": "cosine", "warmup_epochs": 2}, "warmup_epochs must be less than trainer.epochs.* received 2 and 2"),
        ({"name": "cosine", "warmup_epochs": -1}, "schedule.warmup_epochs must be a number, 0 or more"),
        ({"name": "cosine", "final_learning_rate": 0.1}, "must not exceed optimizer.learning_rate; received 0.1"),
    ],
)
def test_faults_of_a_schedule(schedule: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_optimizer(load("optimizer", "adam"), schedule, 10, 2)


def test_faults_are_collected_and_unknown_epochs_are_no_fault() -> None:
    assert len(check({"name": "adm", "learning_rate": -1}, {"name": "cosin"})) == 3
    assert check(load("optimizer", "adam"), load("schedule", "cosine", warmup_epochs=99)) == []
