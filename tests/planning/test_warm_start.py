"""What a sweep takes over from former sweeps, and what is refused. Former sweeps are made without a training."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from commands import open_sweep_of, sweep_with_curves

from mnistsweep.config.former_folders import check_former_folders
from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError, StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.agreement import Agreement, Difference
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.warm_start_file import WarmStart
from mnistsweep.workers.search_settings import make_search_settings

RATE = "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))"
LAYERS = "model.layer_size=8,16"
FORMER = ("model=perceptron", RATE, LAYERS, "trainer.epochs=4", "oracle=random")
NEW = ("model=perceptron", "trainer.epochs=4", "name=new", "total_epochs=9", "warm_start=logs/former")
VALUES = [0.2, 0.4, 0.3]


@pytest.fixture(scope="module")
def former(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a sweep that each test copies: four completed trials, a failed one without a value, a running one."""
    folder = tmp_path_factory.mktemp("former")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        data = ["data=npz", f"data.path={quoted(str(tiny_file))}", "data.validation=60"]
        sweep_with_curves([*data, *FORMER, "name=former", "trials=6"], [VALUES] * 4 + [None])
    return folder


@pytest.fixture(autouse=True)
def folder(former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(former / "logs", tmp_path / "logs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FORMER_PATHS = SweepPaths(Path("logs/former"))


def warm(data: list[str], *overrides: str) -> WarmStart:
    found = plan_sweep(Recipe(), [*data, *NEW, *overrides]).warm_start
    assert found is not None
    return found


def refusal(data: list[str], *overrides: str) -> str:
    with pytest.raises(ConfigError) as refused:
        plan_sweep(Recipe(), [*data, *NEW, *overrides])
    assert not Path("logs/new").exists()
    return str(refused.value)


def test_points_and_curves_of_trials_with_a_result_are_taken_over(tiny_data: list[str]) -> None:
    found = warm(tiny_data, RATE, LAYERS, "seed=5", "trainer.threads=1", "workers=2")
    assert [trial.point for trial in found.trials] == [record.point for record in Ledger(FORMER_PATHS).records()[:4]]
    assert {tuple(trial.values.items()) for trial in found.trials} == {((1, 0.2), (2, 0.4), (3, 0.3))}
    assert {trial.objective for trial in found.trials} == {0.4}
    assert list(found.notes) == [
        "warm start: 4 of 6 trials of logs/former; same dimensions: optimizer.learning_rate, model.layer_size",
        "  not used: no result (2 trials)",
    ]


@pytest.mark.parametrize(
    ("overrides", "count", "note"),
    [
        ([RATE, "model.layer_size=16,8,32"], 4, "same dimensions: optimizer.learning_rate, model.layer_size"),
        ([RATE, "model.layer_size=16"], 2, "not used: model.layer_size is 8 there and 16 here (2 trials)"),
        ([RATE, LAYERS, "trainer.batch_size=128,64", "model.dropout=interval(0,0.5)"], 4, "only here: trainer.batch_s"),
        ([RATE, LAYERS, "optimizer=sgd,adam", "optimizer.momentum=interval(0,0.9)"], 4, "only here: optimizer, opt"),
        ([LAYERS, "optimizer.learning_rate=tag(log,interval(0.01,0.1))", "oracle=tpe"], 1, "to 0.008145 there"),
    ],
)  # fmt: skip
def test_dimensions_that_agree(tiny_data: list[str], overrides: list[str], count: int, note: str) -> None:
    found = warm(tiny_data, *overrides)
    assert len(found.trials) == count
    assert note in "\n".join(found.notes)
    assert {trial.point.get("optimizer", "adam") for trial in found.trials} == {"adam"}  # found by its content


@pytest.mark.parametrize(
    ("epochs", "last", "objective"),
    [("trainer.epochs=8", 3, None), ("trainer.epochs=1,2,9", 3, None), ("trainer.epochs=1", 1, 0.2)],
)
def test_a_training_of_more_epochs_contains_that_of_fewer(
    tiny_data: list[str], epochs: str, last: int, objective: float | None
) -> None:
    found = warm(tiny_data, RATE, LAYERS, epochs, "oracle=tpe")
    assert {max(trial.values) for trial in found.trials} == {last}
    assert {trial.objective for trial in found.trials} == {objective}
    assert found.notes[1].startswith("  trainer.epochs is 4 there and ")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            [RATE, LAYERS, "trainer.batch_size=64", "trainer.epochs=8"],
            "none: trainer.epochs is 4 there and 8 here (4 trials); trainer.batch_size is 128 there and 64 here (4 tri",
        ),
        ([RATE, LAYERS, "schedule=cosine", "trainer.epochs=8"], "trainer.epochs is 4 there and 8 here (4 trials); sch"),
        ([RATE, LAYERS, "optimizer=sgd"], "optimizer.name is adam there and sgd here"),
        ([RATE, "model.layer_size=32,64"], "model.layer_size is 8, 16 there and choice(32, 64) here"),
        ([RATE, LAYERS, "oracle=random"], "the points of oracle=random do not depend on results"),
        ([LAYERS, "trials=2"], "the points of oracle=grid do not depend on results"),
        ([RATE, LAYERS, "objective=val_loss"], "objective must be the same; received logs/former: val_accuracy there"),
        ([RATE, LAYERS, "warm_start=logs/formar"], "did you mean 'former'?"),
        ([RATE, LAYERS, "constraints=['parameters<=900']"], "constraints is parameters is not measured there"),
    ],
)  # fmt: skip
def test_a_warm_start_that_cannot_help_is_refused(tiny_data: list[str], overrides: list[str], message: str) -> None:
    found = refusal(tiny_data, *overrides)
    assert found.startswith("warm_start: ")
    assert message in found
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "received 3; write warm_start=logs/NAME."),
        ([{"a": 1}], "received {'a': 1}; write"),
        (["logs/a", "logs/a"], "received ['logs/a', 'logs/a']; name each once."),
        ("", "received ''"),
        ("logs/a\x00", "write warm_start=logs/NAME."),
    ],
)
def test_values_of_a_wrong_form_are_refused(value: object, message: str) -> None:
    (fault,) = check_former_folders(value)
    assert fault.startswith("warm_start: must be the path of a sweep's folder, or a list of different ones; received ")
    assert message in fault


def test_other_data_are_refused(tiny_data: list[str], folder: Path) -> None:
    path = next(text for text in tiny_data if text.startswith("data.path=")).partition("=")[2].strip("'\"")
    copy = shutil.copy(path, folder / "moved.npz")
    assert len(warm(tiny_data, RATE, LAYERS, f"data.path={copy}").trials) == 4  # moved, with the same content
    import numpy as np

    arrays = dict(np.load(path))
    arrays["x_train"] = arrays["x_train"][::-1]
    np.savez(folder / "other.npz", **arrays)
    assert "the training data must be the same" in refusal(tiny_data, RATE, LAYERS, f"data.path={folder}/other.npz")


def test_the_place_of_data_counts_where_a_sweep_searched_data_sets(tiny_file: Path, folder: Path) -> None:
    copy = str(shutil.copy(tiny_file, folder / "other.npz"))
    (folder / "own" / "data").mkdir(parents=True)
    for name, file in (("first", tiny_file), ("second", copy)):
        preset = f"defaults: [npz, _self_]\npath: '{file}'\nvalidation: 60\n"
        (folder / "own" / "data" / f"{name}.yaml").write_text(preset)
    recipe = Recipe(folders=(*Recipe().folders, (folder / "own").as_uri()))
    both, second = (plan_sweep(recipe, [*FORMER, f"data={data}", "trials=6"]) for data in ("first,second", "second"))
    point = {"optimizer.learning_rate": 0.01, "model.layer_size": 8}
    assert Agreement(second, both).find({**point, "data": "second"}) == point
    assert Agreement(second, both).find({**point, "data": "first"}) == [Difference("data.path", str(tiny_file), copy)]
    assert Agreement(both, second).find(point) == {**point, "data": "second"}


def test_a_former_sweep_without_a_trial_and_a_damaged_one_are_refused(tiny_data: list[str]) -> None:
    open_sweep_of([*tiny_data, *FORMER, "name=empty"])
    assert "which has none: it has no trial yet" in refusal(tiny_data, RATE, LAYERS, "warm_start=logs/empty")
    FORMER_PATHS.journal.write_text("{\n" + FORMER_PATHS.journal.read_text())
    assert "must name a sweep that can be read; received logs/former: " in refusal(tiny_data, RATE, LAYERS)
    missing = refusal(tiny_data, RATE, LAYERS, "warm_start=logs/none")
    assert "received logs/none: no sweep found (sweep.yaml is missing)" in missing
    FORMER_PATHS.sweep.write_text("format: 99")
    assert "made by a newer mnistsweep" in refusal(tiny_data, RATE, LAYERS)


def test_a_former_sweep_is_not_changed(tiny_data: list[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in FORMER_PATHS.folder.rglob("*")}
    open_sweep(plan_sweep(Recipe(), [*tiny_data, *NEW, RATE, LAYERS]))
    assert {path: path.stat().st_mtime_ns for path in FORMER_PATHS.folder.rglob("*")} == before


def test_the_trials_of_several_sweeps_are_joined_in_order(tiny_data: list[str]) -> None:
    shutil.copytree("logs/former", "logs/second")
    found = warm(tiny_data, RATE, LAYERS, "warm_start=[logs/second,logs/former]")
    assert len(found.trials) == 8
    assert [note.partition(";")[0] for note in found.notes if note.startswith("warm")] == [
        "warm start: 4 of 6 trials of logs/second", "warm start: 4 of 6 trials of logs/former",
    ]  # fmt: skip


def test_the_copy_of_the_trials_is_what_counts_from_then_on(tiny_data: list[str]) -> None:
    command = [*tiny_data, *NEW, RATE, LAYERS]
    plan = plan_sweep(Recipe(), command)
    open_sweep(plan)
    assert plan.warm_start is not None
    shutil.rmtree(FORMER_PATHS.folder)
    again = plan_sweep(Recipe(), command)
    open_sweep(again)
    assert again.warm_start == plan.warm_start
    with pytest.raises(StudyError, match="holds another search: warm_start differs"):
        open_sweep(plan_sweep(Recipe(), [*command, "warm_start=null"]))
    content = json.loads(plan.paths.warm_start.read_text())
    plan.paths.warm_start.write_text(json.dumps({**content, "trials": content["trials"][1:]}))
    with pytest.raises(StudyError, match="its checksum differs from that in sweep"):
        make_search_settings(read_plan(plan.paths), plan.paths)
    plan.paths.warm_start.unlink()
    with pytest.raises(StudyError, match="No such file or directory; restore it"):
        plan_sweep(Recipe(), command)


def test_a_start_that_was_killed_before_its_plan_was_written_begins_again(tiny_data: list[str]) -> None:
    plan = plan_sweep(Recipe(), [*tiny_data, *NEW, RATE, LAYERS])
    plan.paths.folder.mkdir(parents=True)
    plan.paths.warm_start.write_text("half")
    open_sweep(plan)
    assert plan.warm_start is not None
    assert plan.paths.warm_start.read_text() == plan.warm_start.text


def test_the_keys_of_a_program_are_compared_and_secrets_are_neither_compared_nor_shown(tiny_data: list[str]) -> None:
    keras = plan_sweep(Recipe(), [*tiny_data, *NEW, RATE, "warm_start=null"])

    def program(**config: object) -> Plan:
        return replace(keras, program={"_target_": "mine.run", "config": config})

    here = program(api={"token": "very-secret-1"}, size=8, depth=2)
    same = program(api={"token": "very-secret-2"}, size=8, depth=2)
    point = {"optimizer.learning_rate": 0.01}
    assert Agreement(here, same).find(point) == point
    other = program(api={"token": "very-secret-2"}, size=16, depth=2, more=True)
    assert Agreement(here, other).find(point) == [Difference("size", 16, 8), Difference("more", True, "absent")]


def test_constraints_are_judged_by_what_the_former_sweep_measured(tiny_data: list[str]) -> None:
    found = warm(tiny_data, RATE, LAYERS, "constraints=['seconds<=6']")
    assert [trial.violations for trial in found.trials] == [{"seconds<=6": 0.5}] * 4


def test_a_sweep_of_version_0_1_can_be_a_former_sweep(folder: Path) -> None:
    fixture = Path(__file__).parents[1] / "fixtures" / "v0.1"
    shutil.copy(fixture / "tiny.npz", folder)
    shutil.copytree(fixture / "sweep", folder / "old")
    overrides = [
        *("data=npz", "data.path=tiny.npz", "data.validation=60", "model=perceptron", "optimizer=adam,sgd"),
        *("model.layer_size=8,16", "model.dropout=interval(0,0.5)", "optimizer.momentum=0.9", "trainer.epochs=40"),
        *("trainer.batch_size=16", "data.scaling=divide", "name=new", "total_epochs=100", "warm_start=old"),
    ]
    found = plan_sweep(Recipe(), overrides).warm_start
    assert found is not None
    assert [len(trial.values) for trial in found.trials] == [40, 40, 40, 34]
    assert [trial.objective is None for trial in found.trials] == [False, False, False, True]
    assert SweepPaths(folder / "old").sweep.is_file()
