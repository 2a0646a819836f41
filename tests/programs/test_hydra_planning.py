"""Planning of a sweep of a user's own Hydra program: its keys, its folder, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra_programs import hydra_job, write_program
from omegaconf import OmegaConf

from hydra_plugins.mnistsweep_sweeper import settings
from mnistsweep.atomic import write_yaml
from mnistsweep.config.compose import without_hydra
from mnistsweep.config.job_overrides import JobOverrides, briefly_written, trial_file
from mnistsweep.config.overrides import parse_override
from mnistsweep.config.sweeper_keys import KNOWN_KEYS
from mnistsweep.dimensions import Choice, Condition, Float, Int, Zip
from mnistsweep.errors import ConfigError
from mnistsweep.planning import hydra_planner
from mnistsweep.planning.hydra_planner import plan_hydra_program
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json, plan_to_json
from mnistsweep.planning.same_search import differences
from mnistsweep.study.confirmation import Confirmation

FACTORY = "mnistsweep.workers.hydra_function.HydraFunction"
LR = "lr=tag(log,interval(1e-4,1e-1))"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hydra_planner, "MAX_COMPOSED", 1)  # each takes 20 ms
    return write_program(tmp_path)


def plan(program: Path, *overrides: str) -> Plan:
    with hydra_job(program, *overrides) as job:
        return plan_hydra_program(job, FACTORY, "python train.py")


def test_keys_of_both_names(program: Path) -> None:
    ours = plan(program, LR, *_sweeper(trials=7, workers=3, name="mine", direction="max", oracle="tpe", hours=2))
    optunas = plan(
        program, LR, "hydra/sweeper/sampler=tpe", "hydra.sweeper.sampler.n_startup_trials=4",
        *_sweeper(n_trials=7, n_jobs=3, study_name="mine", direction="maximize"),
    )  # fmt: skip
    for each in (ours, optunas):
        assert (each.config.trials, each.config.workers, each.direction) == (7, 3, "max")
        assert each.paths.folder == Path("multirun/mine")
    assert ours.config.oracle["name"] == "tpe"
    sampler = {"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 4}
    assert optunas.config.oracle == {"name": "optuna", "sampler": sampler}
    assert ours.warnings == ()


def test_confirmation_is_set_by_two_keys(program: Path) -> None:
    found = plan(program, LR, *_sweeper(trials=7, confirm_top=3, confirm_seeds=1, direction="max")).budget.confirmation
    assert found == Confirmation(3, 1, "max")
    with pytest.raises(ConfigError, match=r"^hydra\.sweeper\.confirm_top: compares at least two configurations"):
        plan(program, LR, *_sweeper(confirm_top=1))


@pytest.mark.usefixtures("no_secrets")
def test_notification_and_running_sweeps_have_keys_with_secrets(program: Path) -> None:
    url = "https://example.org/services/secretpath"
    keys = _sweeper(if_running="skip", notify_url=url, notify_command="ls", notify_timeout_seconds=3)
    found = plan(program, LR, *keys, *_sweeper(direction="max"))
    notify = found.config.notify
    assert (found.config.if_running, notify.url, notify.command, notify.timeout_seconds) == ("skip", url, "ls", 3)
    assert "secretpath" not in str(plan_to_json(found))
    with pytest.raises(
        ConfigError, match=r"^hydra\.sweeper\.notify_url: must be an http or https address; received one"
    ):
        plan(program, LR, *_sweeper(notify_url="ftp://host", direction="max"))


def test_hydra_knows_the_keys_that_are_read() -> None:
    assert {*settings.KEYS, "params", "sampler"} == KNOWN_KEYS
    assert set(settings.SAMPLERS) >= {"tpe", "random", "grid", "cmaes", "gp"}


def test_what_the_user_does_not_choose_is_said(program: Path) -> None:
    assert plan(program, LR).warnings[0].startswith("hydra.sweeper.direction: not given, so the objective is minimized")
    assert plan(program, LR, *_sweeper(objective="val_accuracy")).direction == "max"
    assert plan(program, LR, *_sweeper(objective="val_accuracy")).warnings == ()


def test_folders(program: Path) -> None:
    assert plan(program, LR).paths.folder == Path("multirun/train")
    assert plan(program, LR, "hydra.sweep.dir=runs/a").paths.folder == program / "runs/a"
    named = plan(program, LR, "hydra.sweep.dir=runs/a", *_sweeper(name="b"))
    assert named.paths.folder == program / "runs/a/b"
    timed = plan(program, LR, "hydra.sweep.dir=runs/${now:%Y}")
    assert timed.warnings[-1].startswith("hydra.sweep.dir: contains the time, so each start of this command is a new")


def test_a_database_is_found_from_the_folder_of_each_job(program: Path) -> None:
    assert plan(program, LR, *_sweeper(storage="'sqlite:///a.db?timeout=5'")).config.storage == (
        f"sqlite:///{program}/a.db?timeout=5"
    )
    assert plan(program, LR, *_sweeper(storage="sqlite:////tmp/a.db")).config.storage == "sqlite:////tmp/a.db"


def test_secrets_are_not_stored(program: Path, no_secrets: None) -> None:
    url = "postgresql+psycopg://me:s3cretpw@localhost/db"
    stored = str(plan_to_json(plan(program, LR, "+db_password=hunter22", *_sweeper(storage=url))))
    assert "hunter22" not in stored
    assert "s3cretpw" not in stored


def test_conditions_follow_from_the_presets(program: Path) -> None:
    found = plan(
        program, LR, "model=cnn,mlp", "model.filters=int(interval(4,16))", "+model.extra=1,2",
        "db@backup=small,large", "backup.rows=5,6", "sizes.0=3,4", "note='a b',c",
    )  # fmt: skip
    only_cnn = (Condition("model", ("cnn",)),)
    assert found.space["model.filters"] == Int("model.filters", 4, 16, conditions=only_cnn)
    assert found.space["model.extra"] == Choice("model.extra", (1, 2))
    assert found.space["lr"] == Float("lr", 1e-4, 1e-1, log=True)
    assert found.space["sizes.0"] == Choice("sizes.0", (3, 4))
    assert found.program is not None
    overrides = JobOverrides.from_json(found.program["overrides"])
    assert overrides.at({"lr": 0.5, "model.extra": 1, "model": "mlp", "note": "a b"}) == [
        "model=mlp", "lr=0.5", "+model.extra=1", "note=a b",
    ]  # fmt: skip


def test_a_fixed_value_holds_with_the_presets_that_have_its_key(program: Path) -> None:
    found = plan(program, "model=cnn,mlp", "wd=0.5", *_sweeper(params="{lr:[1,2],model.act:tanh}"))
    assert found.space["model.act"] == Choice("model.act", ("tanh",), (Condition("model", ("cnn",)),))
    assert found.program is not None
    assert found.program["overrides"]["fixed"] == ["wd=0.5"]


def test_spaces_as_earlier_optuna_sweepers_wrote_them(program: Path) -> None:
    space = (
        "{lr:{type:float,low:1e-3,high:1e-1,log:true},wd:{type:float,low:0,high:0.3,step:0.1},"
        "model.units:{type:int,low:2,high:8},model:{type:categorical,choices:[cnn,mlp]},note:'choice(a,b)'}"
    )
    found = plan(program, *_sweeper(search_space=space)).space
    assert found["lr"] == Float("lr", 1e-3, 1e-1, log=True)
    assert found["wd"] == Choice("wd", (0.0, 0.1, 0.2, 0.3))
    assert found["model.units"] == Int("model.units", 2, 8)
    assert found["model"] == Choice("model", ("cnn", "mlp"))
    assert found["note"] == Choice("note", ("a", "b"))


def test_the_end_of_a_range_is_pointed_out(program: Path) -> None:
    found = plan(program, *_sweeper(params="{model.units:'range(1, 4)'}", direction="max"))
    assert found.space["model.units"] == Choice("model.units", (1, 2, 3))
    assert found.warnings == (
        "model.units: range(1, 4) ends before its last number, as everywhere in Hydra; "
        "Hydra's Optuna sweeper includes that number.",
    )


def test_keys_that_go_together(program: Path) -> None:
    zipped = "hydra.sweeper.zip=[[lr,model.units]]"
    found = plan(program, "lr=0.1,0.2,0.3", "model.units=4,4,8", "wd=1,2", zipped)
    assert found.space.size() == 6
    assert found.space.dimensions[0] == Zip(("lr", "model.units"), ((0.1, 4), (0.2, 4), (0.3, 8)))
    with pytest.raises(ConfigError, match=r"^hydra\.sweeper\.zip: .* equally many values; lr has 2, model.units has 3"):
        plan(program, "lr=0.1,0.2", "model.units=4,4,8", zipped)
    with pytest.raises(ConfigError, match=r"^wd: a choice lists each value once"):
        plan(program, "wd=1,1")
    space = "{lr:{type:categorical,choices:[0.3,0.1]},wd:{type:categorical,choices:[1,2]}}"
    found = plan(program, *_sweeper(search_space=space), "hydra.sweeper.zip=[[lr,wd]]")
    assert found.space.dimensions == (Zip(("lr", "wd"), ((0.3, 1), (0.1, 2))),)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["lrr=1,2"], r"lrr: there is no such key; did you mean 'lr'\? .*\(A new key is added with \+lrr=\.\.\.\)"),
        (["model=cnn,mpl"], r"model: there is no 'mpl'; did you mean 'mlp'\? Known: 'mlp', 'cnn'\."),
        (["model=interval(0,1)"], r"model: a config group is swept by names; received interval\(0, 1\)\."),
        (["db=small,large"], r"db: a config group that is not in the defaults list; write \+db=\.\.\. to add it\."),
        (["lr=0.3"], r"nothing is swept: give a key a range"),
        ([LR, "hydra.sweeper.trails=3"], r"hydra\.sweeper\.trails: there is no such key; did you mean 'trials'\?"),
        ([LR, "hydra.sweeper.n_trials=0"], r"hydra\.sweeper\.n_trials: must be at least 1; received 0\."),
        ([LR, *["hydra.sweeper.trials=3", "hydra.sweeper.n_trials=4"]], r"hydra\.sweeper\.trials: .*are the same key"),
        ([LR, "hydra.sweeper.direction=[minimize,maximize]"], r"hydra\.sweeper\.direction: must be one "),
        ([LR, "hydra.sweeper.objective=[a,b]"], r".*'a', 'b': no name .* hydra\.sweeper\.direction=\[max,max\]"),
        ([LR, "hydra.sweeper.objective=[]"], r"hydra\.sweeper\.objective: must name at least one; received"),
        ([LR, "hydra.sweeper.direction=up"], r"hydra\.sweeper\.direction: must be min or max; received 'up'"),
        ([LR, "hydra.sweeper.objective=score"], r"hydra\.sweeper\.direction: 'score' is not the name of a metric"),
        ([LR, "hydra.sweeper.sampler=tpe"], r"hydra\.sweeper\.sampler: must be keys .*hydra/sweeper/sampler=tpe"),
        ([LR, "hydra.sweeper.sampler._target_=optuna.samplers.Nsga"], r"hydra\.sweeper\.sampler\._target_: .*Nsga"),
        ([LR, "hydra/sweeper/sampler=cmaes", "hydra.sweeper.sampler.sigma0=1"], r"hydra\.sweeper\.sampler\.sigma0"),
        ([LR, "hydra.sweeper.oracle=grid"], r"lr: a grid needs listed values, received tag\(log"),
        ([LR, "hydra.sweeper.oracle={name:tpe,foo:1}"], r"hydra\.sweeper\.oracle\.foo: there is no such key"),
        ([LR, "hydra.sweeper.pruner=hyperband"], r"hydra\.sweeper\.epochs: hyperband divides the number of steps"),
        ([LR, "hydra.sweeper.name=a/b"], r"hydra\.sweeper\.name: must be a folder name"),
        ([LR, "hydra.sweeper.enqueue=[{lr:5}]"], r"hydra\.sweeper\.enqueue\[0\]\.lr: 5 is outside"),
        ([LR, "hydra.sweeper.conditions={wd:{lr:1}}"], r"hydra\.sweeper\.conditions\.wd: not a dimension"),
        ([LR, "hydra.sweeper.params={wd:'interval(0'}"], r"hydra\.sweeper\.params"),
        ([LR, "hydra.sweeper.search_space={wd:{type:float,lo:0}}"], r"hydra\.sweeper\.search_space\.wd: there is no"),
        ([LR, "hydra.sweep.dir=/proc/1/x"], r"hydra\.sweep\.dir: "),
    ],
)  # fmt: skip
def test_faults_are_one_line(program: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}") as caught:
        plan(program, *overrides)
    assert len(str(caught.value).splitlines()) == 1
    assert not (program / "multirun").exists()


@pytest.mark.parametrize(
    ("overrides", "has_defaults"),
    [
        (["lr=0.5"], True),
        (["model=cnn", "model.filters=3", "wd=1e-05", "note='1e-3'"], True),
        (["db@backup=large", "backup.rows=7", "+new.item=[1,a]"], True),
        (["+db=large", "sizes=[7]", "note=null"], True),
        (["sizes.0=3"], False),
        (["~wd", "lr=1"], False),
    ],
)
def test_the_file_of_a_trial_gives_the_program_its_configuration(
    program: Path, overrides: list[str], has_defaults: bool
) -> None:
    with hydra_job(program) as job:
        config = job.compose(overrides)
        expected = OmegaConf.to_container(without_hydra(config), resolve=True)
        content = trial_file(job, overrides, config)
    assert ("config" in content["defaults"]) == has_defaults
    write_yaml(program / "conf/best.yaml", content)
    with initialize_config_dir(str(program / "conf"), version_base=None):
        assert OmegaConf.to_container(compose("best"), resolve=True) == expected


@pytest.mark.parametrize(
    "value", ["cnn", "1e-3", "a, b", "it's", 'say "x"', "", " a ", "null", "${x}", "a,b", 1e-7, 3, True, None, [1, "a"]]
)
def test_a_written_value_is_read_back(value: Any) -> None:
    assert parse_override(f"x={briefly_written(value)}").value == value


def test_another_program_is_another_search(program: Path) -> None:
    before, swept = plan(program, LR), plan(program, "model.units=1,2")
    assert differences(before, plan_from_json(plan_to_json(before))) == []
    assert differences(plan(program, LR, "wd=0.5"), before) == ["program", "wd (of the program)"]
    (program / "conf/model/mlp.yaml").write_text("units: 6\n")
    assert differences(plan(program, LR), before) == ["model (of the program)"]
    assert differences(plan(program, "model.units=1,2"), swept) == []


def _sweeper(**keys: Any) -> list[str]:
    return [f"hydra.sweeper.{key}={value}" for key, value in keys.items()]
