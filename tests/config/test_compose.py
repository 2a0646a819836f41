"""Composition: recipes, trials on top of them, files that compose again, and what Hydra's errors become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from mnistsweep.config.compose import compose, drop_invalid_overrides, to_config, to_plain
from mnistsweep.config.overrides import parse_overrides, quoted, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import conf_folder, default_folders, folders_for
from mnistsweep.config.schema import Config
from mnistsweep.config.structure import read_config
from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.config.trials import Composer, set_value
from mnistsweep.errors import ConfigError

MODULE = "def build(input_shape, classes, width=3):\n    raise NotImplementedError\n"


def training(config: Config) -> dict[str, Any]:
    """What a configuration trains; the number of threads is a matter of the machine."""
    plain: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config))  # type: ignore[assignment]
    keys = ("seed", "objective", "direction", "trainer", "data", "model", "optimizer", "schedule")
    return {key: plain[key] for key in keys} | {"trainer": plain["trainer"] | {"threads": None}}


def written(folder: Path, *overrides: str, name: str = "best") -> Recipe:
    """A configuration written as `best.yaml`, and the recipe of `--config-dir FOLDER --config-name best`."""
    content = trial_file_content(to_plain(compose(Recipe(overrides))), threads=2)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return Recipe((), name, folders_for(str(folder), name))


def test_what_was_composed_may_be_changed() -> None:
    recipe = Recipe(("trainer.epochs=3",))
    first = compose(recipe)
    first.data.augmentation.rotation = 30.0
    first.trainer.metrics.append("mae")
    second = compose(recipe)
    assert second.data.augmentation.rotation == 0.0
    assert list(second.trainer.metrics) == ["accuracy"]


def test_a_trial_does_not_change_the_next() -> None:
    composer = Composer(Recipe(), frozenset())
    first = composer.trial({"data.augmentation.rotation": 30.0, "model.hp.a.b": 1}, seed=5)
    second = composer.trial({})
    assert (first.data.augmentation.rotation, first.model.hp, first.seed) == (30.0, {"a.b": 1}, 5)
    assert (second.data.augmentation.rotation, second.model.get("hp"), second.seed) == (0.0, None, 0)
    assert "hydra" not in first


@pytest.mark.parametrize(
    ("overrides", "point"),
    [
        ((), {"model.dropout": 0.3, "trainer.epochs": 2, "data.augmentation.rotation": 3.0}),
        ((), {"model.hp.units": 3, "model.hp.conv/units.0": 5, "optimizer.new": [1, 2]}),
        (("+model.hp={kept: 1}",), {"optimizer": "sgd", "optimizer.momentum": 0.9, "model.hp.units": 3}),
        (("+width=1", "model.layer_size=${width}"), {"width": 32, "optimizer": "adam"}),
        ((), {"model.layer_size": "${trainer.epochs}"}),
    ],
)
def test_a_trial_in_plain_values_is_the_same(overrides: tuple[str, ...], point: dict[str, Any]) -> None:
    composer = Composer(Recipe(overrides), frozenset({"optimizer"}))
    for _ in range(2):
        assert composer.plain(point, seed=7) == to_plain(composer.trial(point, seed=7))
    assert composer.plain({}, seed=7) == to_plain(composer.trial({}, seed=7))


def test_sweeps_of_the_working_directory_are_found_there_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sweeps").mkdir(parents=True)
        (tmp_path / name / "sweeps" / "mine.yaml").write_text(f"logs: {name}\n", encoding="utf-8")
    seen = []
    for name in ("one", "two"):
        monkeypatch.chdir(tmp_path / name)
        seen.append(compose(Recipe(("+sweeps=mine",))).logs)
    monkeypatch.chdir(tmp_path)
    assert seen == ["one", "two"]
    with pytest.raises(ConfigError, match=r"^sweeps: there is no 'mine'"):
        compose(Recipe(("+sweeps=mine",)))


def test_a_recipe_does_not_move_with_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text("logs: here\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    record = json.loads(json.dumps(Recipe(("+sweeps=mine",)).to_json()))
    monkeypatch.chdir("/")
    assert compose(Recipe.from_json(record)).logs == "here"


def test_a_job_of_hydra_composes_and_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("x: 1\n", encoding="utf-8")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        assert compose(Recipe(("trainer.epochs=4",))).trainer.epochs == 4
        assert GlobalHydra.instance().hydra is before
        assert hydra_compose("own").x == 1


def test_a_composition_that_fails_leaves_hydra_as_it_was() -> None:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        with pytest.raises(ConfigError):
            compose(Recipe(("model=nothing",)))
        assert GlobalHydra.instance().hydra is before


def test_a_target_of_ones_own_gets_none_of_the_presets_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = to_config(compose(Recipe(("model._target_=own.build", "+model.width=5", "model.dropout=0.1"))))
    assert config.model == {"_target_": "own.build", "width": 5, "dropout": 0.1}


def test_the_same_target_keeps_the_presets_keys() -> None:
    config = to_config(compose(Recipe(("model._target_=mnistsweep.models.fast_conv",))))
    assert config.model["conv_layers"] == 2


def test_interpolations_are_resolved() -> None:
    config = to_config(compose(Recipe(("+width=48", "model.layer_size=${width}", "name='${model.layer_size}'"))))
    assert (config.model["layer_size"], config.name) == (48, "48")


def test_an_interpolation_that_leads_nowhere_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^model\.layer_size: Interpolation key 'wdith' not found"):
        to_config(compose(Recipe(("model.layer_size=${wdith}",))))


@pytest.mark.parametrize(
    ("key", "value"), [("model.hp.units", 3), ("model.hp.conv/units.0", 3), ("model.new.deep", 1), ("data.path", "a b")]
)
def test_a_value_is_set(key: str, value: Any) -> None:
    config = OmegaConf.create({"model": {"hp": {"kept": 1}}, "data": {}})
    set_value(config, key, value)
    found: Any = config
    name = key.removeprefix("model.hp.")
    for part in ["model", "hp", name] if name != key else key.split("."):
        found = found[part]
    assert found == value
    assert config.model.hp.kept == 1


# What a trial's file composes to


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("optimizer=sgd", "optimizer.momentum=0.9", "schedule=cosine", "schedule.warmup_epochs=0.5"),
        ("model=deep_conv", "model.filters=[10,10,20]", "trainer.metrics=[accuracy,mae]", "trainer.patience=2"),
        ("~optimizer.amsgrad", "+optimizer.clipnorm=1.0"),
        ("model._target_=own.build", "+model.width=7"),
        ("+model.hp={units: 3, conv/kernel: 5}",),
        ("data=npz", "data.path='a, b/c=d.npz'", "data.augmentation.rotation=10"),
        ("seed=4", "objective=val_loss", "direction=min", "+trainer.callbacks=[{_target_: a.B, x: [1, 2]}]"),
    ],
)
def test_a_trials_file_composes_to_the_same_training(overrides: tuple[str, ...], tmp_path: Path) -> None:
    again = written(tmp_path / "a b é", *overrides)
    assert training(to_config(compose(again))) == training(to_config(compose(Recipe(overrides))))


def test_a_file_called_config_is_no_other(tmp_path: Path) -> None:
    again = written(tmp_path, "trainer.epochs=9", "model=perceptron", name="config")
    config = to_config(compose(again))
    assert (config.trainer.epochs, config.model["layer_size"]) == (9, 16)


def test_overrides_go_on_top_of_a_trials_file(tmp_path: Path) -> None:
    best = written(tmp_path, "optimizer.learning_rate=0.004", "trainer.epochs=9")
    config = to_config(compose(best.with_overrides("trainer.epochs=2", "model.dropout=0.3")))
    assert (config.trainer.epochs, config.model["dropout"], config.optimizer["learning_rate"]) == (2, 0.3, 0.004)


@pytest.mark.parametrize("name", ["best", "config"])
def test_another_preset_on_top_of_a_trials_file_is_that_preset(name: str, tmp_path: Path) -> None:
    best = written(tmp_path, "optimizer=rmsprop", "optimizer.momentum=0.3", "model=perceptron", name=name)
    changed = best.with_overrides("optimizer=sgd", "optimizer.momentum=0.9", "model=fast_conv")
    config, wanted = to_config(compose(changed)), to_config(compose(Recipe(changed.overrides)))
    assert config.optimizer == wanted.optimizer
    assert config.model == wanted.model


def test_the_same_preset_on_top_of_a_trials_file_keeps_its_values(tmp_path: Path) -> None:
    best = written(tmp_path, "optimizer=rmsprop", "optimizer.momentum=0.3")
    assert to_config(compose(best.with_overrides("optimizer=rmsprop"))).optimizer["momentum"] == 0.3


# Folders


def test_a_primary_configuration_and_presets_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "wide.yaml").write_text("_target_: own.build\nwidth: 64\n", encoding="utf-8")
    mine = "defaults: [config, {override model: wide}, _self_]\ntrainer: {epochs: 2}\n"
    (tmp_path / "mine.yaml").write_text(mine, encoding="utf-8")
    recipe = Recipe((), "mine", folders_for(str(tmp_path), "mine"))
    config = to_config(compose(recipe))
    assert config.model == {"_target_": "own.build", "width": 64}
    assert config.trainer.epochs == 2
    assert "wide" in recipe.options("model")
    assert "fast_conv" in recipe.options("model")


def test_presets_of_ones_own_beside_the_packaged_configuration(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "wide.yaml").write_text("_target_: own.build\nwidth: 64\n", encoding="utf-8")
    folders = folders_for(str(tmp_path), None)
    assert folders[0] == f"file://{conf_folder()}"
    assert to_config(compose(Recipe(("model=wide",), folders=folders))).model["width"] == 64


def test_the_search_path_of_a_primary_configuration_is_kept(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "model").mkdir(parents=True)
    (shared / "model" / "wide.yaml").write_text("_target_: own.build\n", encoding="utf-8")
    mine = {"defaults": ["config", {"override model": "wide"}, "_self_"], "hydra": {"searchpath": [f"file://{shared}"]}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    folders = folders_for(str(tmp_path), "mine", more=[f"file://{tmp_path}"])
    assert folders.count(f"file://{tmp_path}") == folders.count(f"file://{shared}") == 1
    assert to_config(compose(Recipe((), "mine", folders))).model == {"_target_": "own.build"}


def test_default_folders_are_urls_the_configuration_first() -> None:
    first, *others = default_folders()
    assert first == f"file://{conf_folder()}"
    assert all(url.startswith("mnistsweep://") for url in others)


@pytest.mark.parametrize("text", ["a'b\\c", "", "it's", "a,b=[c]{d}", "\\"])
def test_a_quoted_text_is_read_as_it_was(text: str) -> None:
    assert compose(Recipe((f"name={quoted(text)}",))).name == text


# What is wrong


def test_all_overrides_that_cannot_be_applied_are_named() -> None:
    bad = ["model=percepton", "trainr.epochs=3", "optimizer.momentum=0.9", "~data.nothing", "a=[", "optimizer=3"]
    overrides, invalid = parse_overrides([*bad, "trainer.epochs=4"])
    valid, refused = drop_invalid_overrides(Recipe(), overrides)
    assert texts_of(valid) == ("trainer.epochs=4",)
    assert invalid[0].startswith("a: '[' at character 3 is not closed")
    assert sorted(fault.partition(":")[0] for fault in refused) == sorted(
        ["model", "trainr.epochs", "optimizer.momentum", "data.nothing", "optimizer"]
    )
    with pytest.raises(ConfigError) as caught:
        compose(Recipe((*bad, "trainer.epochs=4")))
    assert str(caught.value).splitlines() == [*invalid, *refused]


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml: not valid YAML: line 1, column 4: a bracket is closed"):
        folders_for(str(tmp_path), "mine")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bad.yaml").write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"model/bad\.yaml: not valid YAML: line 1, column 4: "):
        compose(Recipe(("model=bad",), folders=folders_for(str(tmp_path), None)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trainer": {"epochs": "abc"}}, "trainer.epochs: must be a whole number; received 'abc'."),
        ({"trainer": {"epochs": 2.5}}, "trainer.epochs: must be a whole number; received 2.5."),
        ({"trainer": {"epochs": True}}, "trainer.epochs: must be a whole number; received True."),
        ({"trainer": {"epochs": None}}, "trainer.epochs: must be a whole number; received null."),
        ({"trainer": {"patience": "x"}}, "trainer.patience: must be a whole number or null; received 'x'."),
        ({"trainer": {"deterministic": 1}}, "trainer.deterministic: must be true or false; received 1."),
        ({"trainer": {"metrics": [1]}}, "trainer.metrics: must be a list of texts, [a, b]; received [1]."),
        ({"trainer": {"callbacks": {}}}, "trainer.callbacks: must be a list, [...]; received {}."),
        ({"trainer": 3}, "trainer: must be keys with values; received 3."),
        ({"hours": "long"}, "hours: must be a number or null; received 'long'."),
        ({"logs": None}, "logs: must be a text; received null."),
        ({"conditions": []}, "conditions: must be keys with values, {key: value}; received []."),
    ],
)
def test_a_wrong_type_is_named_and_replaced(change: dict[str, Any], message: str) -> None:
    plain: Any = OmegaConf.to_container(OmegaConf.merge(OmegaConf.structured(Config()), {"model": {}}))
    plain |= {group: {} for group in ("data", "model", "optimizer", "schedule", "oracle", "pruner")}
    plain["trainer"] = (
        plain["trainer"] | change["trainer"] if isinstance(change.get("trainer"), dict) else plain["trainer"]
    )
    plain |= {key: value for key, value in change.items() if not (key == "trainer" and isinstance(value, dict))}
    config, faults = read_config(plain)
    assert faults == [message]
    assert (config.trainer, config.hours, config.logs) == (Config().trainer, None, "logs")


def test_whole_numbers_and_texts_may_be_written_as_others() -> None:
    config = to_config(compose(Recipe(("trainer.epochs=3.0", "name=2024", "hours=2"))))
    assert (config.trainer.epochs, config.name, config.hours) == (3, "2024", 2.0)
    assert isinstance(config.trainer.epochs, int)


def test_a_group_that_is_missing_stops_the_checks() -> None:
    with pytest.raises(
        ConfigError, match=r"^oracle: must be the name of a preset, or keys with values; received null\.$"
    ):
        to_config(compose(Recipe(("~oracle",))))


def test_a_space_of_ones_own_without_its_package_line_is_explained(tmp_path: Path) -> None:
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "mine.yaml").write_text("model.dropout: interval(0,1)\n", encoding="utf-8")
    recipe = Recipe(("space=[mine]",), folders=folders_for(str(tmp_path), None))
    _, faults = read_config(OmegaConf.to_container(compose(recipe), resolve=False), ["hydra"])  # type: ignore[arg-type]
    assert faults == ["space: a file of this group must begin with the line '# @package hydra.sweeper.params'."]


@pytest.mark.parametrize(
    ("overrides", "point"),
    [
        ((), {"optimizer": "sgd", "optimizer.momentum": 0.5, "trainer.epochs": 3, "model.hp.a/b.c": 2}),
        (("model.layer_size=${trainer.batch_size}",), {"trainer.batch_size": 32}),
        (("+width=7", "model.layer_size=${width}"), {"width": 9, "model.dropout": 0.25}),
    ],
)
def test_the_short_way_to_a_trial_gives_what_the_long_way_gives(
    overrides: tuple[str, ...], point: dict[str, Any]
) -> None:
    composer = Composer(Recipe(overrides), frozenset({"optimizer"}))
    long = to_plain(composer.trial(point, seed=5))
    assert composer.plain(point, seed=5) == long
    assert composer.plain(point, seed=5) == long, "a second time too: nothing of a trial stays behind"
