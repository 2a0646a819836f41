"""Bad input through the command line: one clear message, exit code 2, nothing written, nothing trained."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Answer, command, finished_sweep, tree

Capture = pytest.CaptureFixture[str]

DROPOUT = "model.dropout=0,0.1"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data that cannot be used, and some that can."""
    folder = tmp_path_factory.mktemp("files à part")
    images, labels = np.zeros((40, 6, 6), np.uint8), (np.arange(40) % 4).astype(np.uint8)
    whole = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(folder / "right.npz", **whole)
    np.savez(folder / "other.npz", **(whole | {"x_train": images + 1}))
    np.savez(folder / "lengths.npz", **(whole | {"y_train": labels[:30]}))
    np.savez(folder / "gap.npz", **(whole | {"y_train": np.where(labels == 2, 3, labels).astype(np.uint8)}))
    (folder / "damaged.npz").write_bytes((folder / "right.npz").read_bytes()[:1000])
    idx = folder / "magic"
    idx.mkdir()
    for part in ("train", "t10k"):
        body = struct.pack(">4I", 0x804, 40, 6, 6) + images.tobytes()
        (idx / f"{part}-images-idx3-ubyte").write_bytes(body)
        content = struct.pack(">2I", 0x801, 40) + labels.tobytes()
        (idx / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in which nothing is trained."""

    def start(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("it was not refused")

    monkeypatch.setattr("mnistsweep.workers.supervisor.run_workers", start)
    monkeypatch.setattr("mnistsweep.commands.train._train", start)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capfd: Capture, *arguments: str) -> list[str]:
    """The lines of a message; nothing else may have happened."""
    before = tree(Path.cwd())
    answer = command(capfd, *arguments)
    assert tree(Path.cwd()) == before
    return lines_of(answer)


def lines_of(answer: Answer) -> list[str]:
    assert (answer.code, answer.out) == (2, "")
    lines = answer.err.splitlines()
    assert all(line.startswith("mnistsweep: ") for line in lines)
    assert "Traceback" not in answer.err
    return [line.removeprefix("mnistsweep: ") for line in lines]


def matches(lines: list[str], patterns: tuple[str, ...]) -> None:
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns, strict=True):
        with pytest.raises(LookupError, match=pattern):
            raise LookupError(line)


NEAR = r"there is no such key; did you mean '{}'\?"

BAD = [
    # Keys and presets
    ("train trainer.epcohs=3", r"^trainer\.epcohs: " + NEAR.format("trainer.epochs")),
    ("sweep trainer.epcohs=3,4", r"^trainer\.epcohs: " + NEAR.format("trainer.epochs")),
    ("sweep model.drpout=interval(0,0.5)", r"^model\.drpout: " + NEAR.format("model.dropout")),
    ("sweep tirals=3 model.dropout=0,0.1", r"^tirals: " + NEAR.format("trials")),
    ("sweep modle=fast_conv,perceptron", r"^modle: " + NEAR.format("model")),
    ("train optimizer.momentum=0.9", r"^optimizer\.momentum: this optimizer has no such key; .*optimizer=sgd\.$"),
    ("sweep optimizer=adam,sgd optimizer.momentm=0.9", r"^optimizer\.momentm: " + NEAR.format("optimizer.momentum")),
    ("train optimizer=adm", r"^optimizer: there is no 'adm'; did you mean 'adam'\?"),
    ("sweep optimizer=adam,adm", r"^optimizer: there is no 'adm'; did you mean 'adam'\?"),
    ("sweep quickstrat", r"^sweeps: there is no 'quickstrat'; did you mean 'quickstart'\?"),
    ("sweep space=[optimiser]", r"^space: there is no 'optimiser'; did you mean 'optimizer'\?"),
    ("sweep space=dropuot", r"^space: there is no 'dropuot'; did you mean 'dropout'\?"),
    ("sweep model.dropout=0,0.1 pruner=medain", r"^pruner: there is no 'medain'; did you mean 'median'\?"),
    ("sweep model.dropout=0,0.1 hydra/launcher=locl", r"^hydra/launcher: there is no 'locl'; did you mean 'local'\?"),
    ("train model=[0]", r"^model: a config group is set to the name of a preset; received \[0\]"),
    ("train model=3", r"^model: a config group is set to the name of a preset; received 3; Known: 'conv_dense'"),
    ("train model=null", r"^model: a config group is set to the name of a preset; received null"),
    ("train ~trainer", r"^trainer: the key is missing"),
    ("sweep model.dropout=0,0.1 ~oracle", r"^oracle: must be the name of a preset.*; received null\.$"),
    ("sweep quickstart model=deep_conv", r"^model\.dense_layers: .*model=fast_conv.*in hydra\.sweeper\.params"),
    ("sweep model.dropout=0,0.1 conditions.a=1", r"^conditions\.a: must be \{other key: \[values\]\}; received 1\.$",
     r"^conditions\.a: not a dimension"),
    # Types and limits
    ("train trainer.epochs=abc", r"^trainer\.epochs: must be a whole number; received 'abc'\.$"),
    ("train trainer.epochs=2.5", r"^trainer\.epochs: must be a whole number; received 2\.5\.$"),
    ("sweep trainer.epochs=abc,3", r"^trainer\.epochs: must be a whole number; received 'abc'\.$"),
    ("train model.dropout=abc", r"^model\.dropout must be a number .*; received 'abc'$"),
    ("sweep model.dropout=abc,0.5", r"^model\.dropout must be a number .*; received 'abc'$"),
    ("train workers=two", r"^workers: must be a whole number; received 'two'\.$"),
    ("train optimizer.learning_rate=fast", r"^optimizer\.learning_rate must be a number above 0; received 'fast'$"),
    ("sweep optimizer.learning_rate=fast,0.1", r"^optimizer\.learning_rate must be .*; received 'fast'$"),
    ("train trainer.metrics=accuracy", r"^trainer\.metrics: must be a list of texts, \[a, b\]; received 'accuracy'\.$"),
    ("train trainer.metrics=[accuracy,acuracy]", r"^trainer\.metrics: no Keras metric .*; did you mean 'accuracy'\?"),
    ("train trainer.loss=poison", r"^trainer\.loss: .*'poison'; did you mean 'poisson'\?"),
    ("train trainer.callbacks=[3]", r"^trainer\.callbacks\[0\]: must be \{_target_: .*; received 3\.$"),
    ("train name=a/b", r"^name: .*has no slash; received 'a/b': it has a '/'; choose another one\.$"),
    ("train seed=-1", r"^seed: must be between 0 and 4294967295; received -1\.$"),
    ("train worker=0", r"^worker: " + NEAR.format("workers")),
    ("sweep session=a model.dropout=0,0.1", r"^session: there is no such key; "),
    ("train 'name=${nowhere}'", r"^name: Interpolation key 'nowhere' not found\.$"),
    # Ranges
    ("sweep model.dense_layers=range(3,3)", r"^model\.dense_layers: the range is empty; received range\(3,3\)"),
    ("sweep model.dropout=interval(0.5,0.1)", r"^model\.dropout: the first bound .*, .*write interval\(0\.1"),
    ("sweep optimizer.learning_rate=tag(log,interval(0,1))", r"^optimizer\.learning_rate: .*above zero, received 0"),
    ("sweep optimizer.learning_rate=tag(lgo,interval(1,2))", r"^optimizer\.learning_rate: .*did you mean 'log'\?"),
    ("sweep model.dropout=0.1,0.1", r"^model\.dropout: a choice lists each value once, received 0\.1"),
    ("sweep optimizer=interval(0,1)", r"^optimizer: a config group is swept by names; received interval\(0, 1\)\.$"),
    ("sweep model.dropout=interval(0.1)", r"^model\.dropout: the arguments do not fit interval; "),
    ("sweep trainer.epochs=interval(1,5)", r"^trainer\.epochs: whole .*write int\(interval\(1, 5\)\)\.$"),
    ("sweep model.dropout=0,1.0", r"^model\.dropout must be .*; received 1\.0$"),
    ("sweep", r"^nothing is swept: "),
    ("sweep trainer.epochs=3", r"^nothing is swept: "),
    ("train trainer.epochs=3,4", r"^trainer\.epochs: mnistsweep sweep searches a range"),
    ("sweep seed=1,2", r"^seed: holds for the whole sweep .*trainer\.repeats"),
    ("sweep workers=1,2", r"^workers: holds for the whole sweep"),
    ("sweep oracle=random,tpe", r"^oracle: holds for the whole sweep"),
    ("sweep oracle.startup_results=1,2", r"^oracle\.startup_results: holds for the whole sweep"),
    ("sweep trainer.threads=1,2", r"^trainer\.threads: holds for the whole sweep"),
    ("sweep +sweeps=coarse,quickstart", r"^sweeps: holds for the whole sweep"),
    ("sweep model.dropout=choice(choice(0.1,0.2),0.3)", r"^model\.dropout: a range cannot be part of another value"),
    ("sweep model.dropout=[glob(*)],[1]", r"^model\.dropout: a range cannot be part of another value"),
    ("train model.dropout=[interval(0,1)]", r"^model\.dropout: a range .*; received \[interval\(0,1\)\]\.$"),
    ("sweep model.dropout=0,0.1 hydra.searchpath=3", r"^hydra\.searchpath: must be a list of folders"),
    ("sweep model.dropout=0,0.1 +data.note=[1,'???']", r"^data\.note\[1\]: a value is required; received \?\?\?"),
    ("sweep +data.note='???',b", r"^data\.note: a value is required; received \?\?\?"),
    ("sweep hydra.job.name=a,b", r"^hydra\.job\.name: Hydra's own keys cannot be swept"),
    ("sweep +hydra.sweeper.params.foo='range(1,2'", r"^foo: '\(' at character 10 is .*; add '\)' \(in hydra"),
    # Budgets, oracles, what is tried first, conditions
    ("sweep model.dropout=0,0.1 name=12e4567", r"^name: must be a text or null; received inf; put .*'name=\"TEXT\"'"),
    ("sweep model.dropout=0,0.1 trials=-3", r"^trials: must be at least 1; received -3\.$"),
    ("sweep model.dropout=0,0.1 hours=0", r"^hours: must be at least 1e-06; received 0\.0\.$"),
    ("sweep model.dropout=0,0.1 hours=-1", r"^hours: must be at least 1e-06; received -1\.0\.$"),
    ("sweep model.dropout=0,0.1 hours=nan", r"^hours: must be at least 1e-06; received nan\.$"),
    ("sweep model.dropout=0,0.1 hours=inf", r"^hours: must be at least 1e-06 and finite; received inf\.$"),
    ("sweep model.dropout=0,0.1 trial.timeout_minutes=inf", r"^trial\.timeout_minutes: must be .* and finite;"),
    ("sweep model.dropout=0,0.1 total_epochs=-1", r"^total_epochs: must be at least 1; received -1\.$"),
    ("sweep model.dropout=0,0.1 workers=0", r"^workers: must be between 1 and 256; received 0\.$"),
    ("sweep model.dropout=interval(0,0.5) trials=null", r"^trials: without a budget this search has no end"),
    ("sweep model.dropout=interval(0,0.5) oracle=grid", r"^model\.dropout: a grid needs listed values"),
    ("sweep model.layer_size=int(interval(1,10000000)) oracle=grid", r"^oracle: a grid of 10000000 points"),
    ("sweep model.dropout=0,0.1 objective=val_acuracy direction=max", r"^objective: .*did you mean 'val_accuracy'\?"),
    ("sweep model.dropout=0,0.1 direction=up", r"^direction: must be auto, max or min; received 'up'; "),
    ("sweep model.dropout=0,0.1 enqueue=[{model.dropout:0.9}]", r"^enqueue\[0\]\.model\.dropout: 0\.9 is outside"),
    ("sweep model.dropout=0,0.1 enqueue=[{model.drpout:0.1}]", r"^enqueue\[0\]\.model\.drpout: .*'model\.dropout'\?"),
    ("sweep model.dropout=0,0.1 enqueue=[3]", r"^enqueue\[0\]: a point is .*received 3\.$"),
    ("sweep model.dropout=0,0.1 conditions={model.drpout:{optimizer:sgd}}", r"^conditions\.model\.drpout: .*out'\?"),
    ("sweep model.dropout=0,0.1 conditions={model.dropout:{optimizer:sgd}}", r"^model\.dropout: .*'optimizer', which"),
    ("sweep model.dropout=0,0.1 optimizer=adam,sgd conditions={model.dropout:{optimizer:sdg}}",
     r"^model\.dropout: its condition, optimizer = sdg, is never met"),
    ("sweep model.dropout=0,0.1 oracle.name=rndom", r"^oracle\.name: .*did you mean 'random'\?"),
    ("sweep model.dropout=0,0.1 workers=2 oracle._target_=keras_tuner.oracles.RandomSearchOracle",
     r"^workers: KerasTuner's own oracles serve one worker; received 2\.$"),
    ("sweep model.dropout=0,0.1 workers=2 hydra/launcher=basic", r"^workers: hydra/launcher=basic runs its jobs one"),
    ("sweep model.dropout=0,0.1 hydra/sweeper=basic", r"^hydra/sweeper: mnistsweep sweep runs its own"),
    # Targets
    ("train model._target_=nowhere.build", r"^model\._target_: no module 'nowhere' is installed"),
    ("train model._target_=mnistsweep.models.fast_con", r"^model\._target_: .*did you mean '.*\.fast_conv'\?"),
    # Commands, options, folders
    ("statsu", r"^there is no command 'statsu'; did you mean 'status'\?"),
    ("status", r"^the following arguments are required: SWEEP; see mnistsweep status --help\.$"),
    ("status logs/nothing", r"^logs/nothing: no sweep found"),
    ("export nothing", r"^nothing: no sweep found"),
    ("train model={drpout:1}", r"^model\.drpout: .*did you mean 'model\.dropout'\?"),
    ("status a b", r"^status: expects one sweep; received 'b' too\.$"),
    ("status a --outptu b", r"^status: there is no option '--outptu'"),
    ("train --trainer.epochs=3", r"^--trainer\.epochs: an override has no dashes; .*; write trainer\.epochs=3\.$"),
    ("sweep trainer.epochs = 3", r"^trainer\.epochs: there are no spaces around '='; .*; write trainer\.epochs=3\.$"),
    ("report finished report.seeds =3", r"^report\.seeds: there are no spaces around '='; .*; write report\.seeds=3\."),
    ("train trainer.batch_size=1e400", r"^trainer\.batch_size: must be a whole number; received inf\.$"),
    ("train trainer.epochs=99999999999999999999", r"^trainer\.epochs: must be at most 9007199254740991; received 9"),
    ("train trainer.threads=100000", r"^trainer\.threads: must be between 1 and 1024; received 100000\.$"),
    ("train model.layer_size=1000000000000", r"^model\.layer_size must be a whole number, 1 to 10,000,000; received 1"),
    ("sweep model.dropout=0,0.1 worker_memory_gb=1e300", r"^worker_memory_gb: must be at most 9007199254740991; "),
    ("train --confg-name best", r"^train: there is no option '--confg-name'; did you mean '--config-name'\?"),
    ("train --cfg jbo", r"invalid choice: 'jbo'"),
    ("train --cfg job --package nothing", r"^--package: there is no 'nothing' in the configuration\.$"),
    ("train --cfg job --resolve name=${nothing}", r"^interpolation: Interpolation key 'nothing' not found\.$"),
    ("train --resolve", r"^train: --resolve requires --cfg\.$"),
    ("sweep coarse --cfg job --info all", r"^sweep: --cfg and --info cannot be combined\.$"),
    ("train --cfg job model=nothing", r"^model: there is no 'nothing'"),
    ("sweep --info defaults tirals=3", r"^tirals: " + NEAR.format("trials")),
    ("train --config-dir nowhere", r"^--config-dir: there is no folder 'nowhere'"),
    ("train --config-name bset", r"^--config-name: there is no 'bset' in "),
    ("sweep --config-name confg model.dropout=0,0.1", r"^--config-name: .*did you mean 'config'\?"),
    ("sweep coarse quickstart", r"^sweep: expects one NAME; received coarse and quickstart\.$"),
    ("train trainer.epochs", r"^trainer\.epochs: an override is key=value; received 'trainer\.epochs' "),
    ("train =3", r"^=3: an override is key=value"),
    ("train trainer.epochs=[3", r"^trainer\.epochs: '\[' at character 16 is not closed; "),
    # Several at once
    ("train optimizer.lr=3 trainr.epochs=2 trainer.epochs=abc model.dropout=7 workers=0",
     r"^optimizer\.lr: ", r"^trainr\.epochs: ", r"^trainer\.epochs: must be", r"^workers: ", r"^model\.dropout must"),
    ("sweep trainer.epcohs=3,4 optmizer=adam workers=0 data.vaildation=3 trials=x model.dropout=0,7",
     r"^optmizer: ", r"^data\.vaildation: ", r"^trainer\.epcohs: ", r"^trials: must be a whole number or null; ",
     r"^workers: ", r"^model\.dropout must"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "patterns"), [(line, patterns) for line, *patterns in BAD], ids=[bad[0] for bad in BAD]
)
def test_bad_input_is_refused(line: str, patterns: list[str], capfd: Capture) -> None:
    arguments = [argument.strip("'") if argument.startswith("'") else argument for argument in line.split(" ")]
    matches(refused(capfd, *arguments), tuple(patterns))


@pytest.mark.parametrize(
    ("data", "pattern"),
    [
        (["data=npz"], r"^data\.path must name the \.npz file"),
        (["data=npz", "nowhere.npz"], r"^data\.path must name an \.npz file; there is no '.*nowhere\.npz'"),
        (["data=npz", "damaged.npz"], r"damaged\.npz"),
        (["data=npz", "lengths.npz"], r"40 .*30|30 .*40"),
        (["data=npz", "gap.npz"], r"class 2|classes 2|2"),
        (["data=idx", "nowhere"], r"^data\.path must name a folder with the four IDX files; there is no"),
        (["data=idx", "magic"], r"magic number .*0x00000804|0x804|2052"),
        (["data=idx", "."], r"train-images-idx3-ubyte"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("name", ["train", "sweep"])
def test_bad_data_are_refused(name: str, data: list[str], pattern: str, files: Path, capfd: Capture) -> None:
    group, *rest = data
    path = [f"data.path='{files / rest[0]}'"] if rest else []
    swept = [DROPOUT] if name == "sweep" else []
    matches(refused(capfd, name, group, *path, "data.validation=8", *swept), (pattern,))


def test_a_swept_data_set_that_is_missing(files: Path, capfd: Capture) -> None:
    lines = refused(capfd, "sweep", "data=mnist,npz", f"data.path='{files / 'nowhere.npz'}'", "data.validation=8")
    matches(lines, (r"^data\.path must name an \.npz file",))


def test_gaussian_processes_without_pytorch(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    lines = refused(capfd, "sweep", "model.dropout=interval(0,0.5)", "oracle=gp")
    matches(lines, (r"^oracle=gp: .*PyTorch, which is not installed; pip install 'mnistsweep\[gp\]'",))


# Folders that hold something else


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        (["model.dropout=0,0.2"], r"model\.dropout \(swept\) differs"),
        (["seed=1"], "seed differs"),
        (["optimizer=sgd"], "optimizer differs"),
        (["data.validation=8"], "data differs"),
        (["trainer.epochs=2,3", "objective=val_loss"], r"objective, trainer\.epochs \(swept\) differ"),
    ],
)
def test_a_folder_that_holds_another_search(change: list[str], differing: str, capfd: Capture) -> None:
    finished_sweep([DROPOUT], [0.5])
    lines = refused(capfd, "sweep", DROPOUT, *change)
    matches(lines, (rf"^logs/sweep holds another search: {differing}\. Use another name=NAME",))


def test_a_folder_that_holds_a_search_over_other_data(files: Path, elsewhere: Path, capfd: Capture) -> None:
    own = elsewhere / "own.npz"
    own.write_bytes((files / "right.npz").read_bytes())
    overrides = ["data=npz", "data.path=own.npz", "data.validation=8", DROPOUT]
    finished_sweep(overrides, [0.5])
    own.write_bytes((files / "other.npz").read_bytes())
    matches(refused(capfd, "sweep", *overrides), (r"^data: not the data that logs/sweep was started with",))


def test_a_folder_that_holds_no_sweep(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "logs" / "sweep").mkdir(parents=True)
    (elsewhere / "logs" / "sweep" / "thesis.txt").write_text("years of work", encoding="utf-8")
    lines = refused(capfd, "sweep", DROPOUT)
    matches(lines, (r"^logs/sweep: the folder is not empty and holds no sweep \(thesis\.txt\)",))


def test_logs_that_is_a_file(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "logs").write_text("", encoding="utf-8")
    matches(refused(capfd, "status", "sweep"), (r"^sweep: no sweep found",))


# Reading what is not there


def test_the_nearest_sweep_is_named(capfd: Capture) -> None:
    finished_sweep([DROPOUT, "name=coarse_grid"], [])
    matches(refused(capfd, "status", "logs/coarse_gird"), (r"^logs/coarse_gird: .*did you mean 'coarse_grid'\?",))


def test_export_before_any_trial_completed(capfd: Capture) -> None:
    finished_sweep([DROPOUT], [])
    lines = refused(capfd, "export", "sweep")
    matches(lines, (r"^logs/sweep: no trial has completed yet \(none was started\); the same command continues\.$",))


def test_export_of_a_model_by_another_name(capfd: Capture) -> None:
    finished_sweep([DROPOUT], [0.5])
    lines = refused(capfd, "export", "sweep", "--output", "best.yaml", "--model", "best.h5")
    matches(lines, (r"^--model: the name of a Keras model file ends with \.keras; received 'best\.h5'\.$",))


def test_export_of_a_model_that_is_gone(capfd: Capture) -> None:
    plan = finished_sweep([DROPOUT], [0.5])
    plan.paths.trial(0).model.unlink()
    lines = refused(capfd, "export", "sweep", "--output", "best.yaml", "--model", "best.keras")
    matches(lines, (r"^logs/sweep/trials/0000/best\.keras: the model of trial 0 is missing\.$",))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a: [1", r"not valid YAML: line 1, column 4: a bracket is closed"),
        (b"a: \xff", r"not a text in UTF-8: line 1, column 4"),
        (b"[" * 5000 + b"]" * 5000, r"not valid YAML: line 1, column \d+"),
        (b"", r"must contain keys with values; received NoneType\.$"),
        (b"[[1, 2]]", r"must contain keys with values; received list\.$"),
    ],
)
def test_export_of_a_damaged_best_configuration(content: bytes, fault: str, capfd: Capture, elsewhere: Path) -> None:
    plan = finished_sweep([DROPOUT], [0.5])
    plan.paths.best.write_bytes(content)
    matches(refused(capfd, "export", "sweep", "--output", "o.yaml"), (rf"^logs/sweep/best\.yaml: {fault}",))
    assert not (elsewhere / "o.yaml").exists()


@pytest.mark.parametrize("content", ["", "plan: 3", "[1, 2", "plan: {recipe: {}}"])
@pytest.mark.parametrize("name", ["status", "sweep"])
def test_a_sweep_file_that_is_damaged(name: str, content: str, capfd: Capture) -> None:
    plan = finished_sweep([DROPOUT], [0.5])
    plan.paths.sweep.write_text(content, encoding="utf-8")
    arguments = ["sweep", DROPOUT] if name == "sweep" else ["status", "sweep"]
    assert "sweep.yaml: " in refused(capfd, *arguments)[0]


# Files of the user's


def test_a_sweep_of_ones_own_with_mistakes(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "sweeps").mkdir()
    (elsewhere / "sweeps" / "mine.yaml").write_text(
        "trainr: {epochs: 1}\ntrainer: {epoch: 2, repeats: 1.5}\nhydra: {sweeper: {params: {model.drpout: '0,0.1'}}}\n",
        encoding="utf-8",
    )
    (elsewhere / "sweeps" / "broken.yaml").write_text("trainer: {epochs: 1\n", encoding="utf-8")
    matches(
        refused(capfd, "sweep", "mine"),
        (
            r"^model\.drpout: .*'model\.dropout'\?",
            r"^trainr: .*'trainer'\?",
            r"^trainer\.epoch: .*'trainer\.epochs'\?",
            r"^trainer\.repeats: must be a whole number; received 1\.5\.$",
        ),
    )
    matches(
        refused(capfd, "sweep", "broken"),
        (r"sweeps/broken\.yaml: not valid YAML: line 1, column 10: a bracket is closed",),
    )


@pytest.mark.parametrize("content", [b"a: [1", b"a: \xff", b"only a text", b""])
def test_a_damaged_preset_does_not_hide_the_fault_of_another_key(
    content: bytes, tmp_path: Path, capfd: Capture
) -> None:
    """The presets of the group are read for a hint."""
    folder = tmp_path / "own" / "model"
    folder.mkdir(parents=True)
    (folder / "damaged.yaml").write_bytes(content)
    found = refused(capfd, "train", "--config-dir", str(folder.parent), "model.text=1")
    matches(found, (r"^model\.text: there is no such key; .*",))


def test_a_primary_configuration_of_ones_own_with_mistakes(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "mine.yaml").write_text("defaults: [config, {override model: percepton}, _self_]\n", encoding="utf-8")
    lines = refused(capfd, "train", "--config-dir", ".", "--config-name", "mine")
    matches(lines, (r"^model: there is no 'percepton'; did you mean 'perceptron'\?",))
    matches(refused(capfd, "train", "--config-dir", ".", "--config-name", "mien"), (r"^--config-name: .*'mine'\?",))


# Through a real process

REAL = [
    (["sweep", "trainer.epcohs=3,4", "workers=0"], ("trainer.epcohs", "workers")),
    (["train", "model.dropout=abc"], ("model.dropout",)),
    (["status", "logs/nothing"], ("logs/nothing",)),
    (["nonsense"], ("there is no command 'nonsense'",)),
]


@pytest.mark.parametrize(("arguments", "keys"), REAL, ids=" ".join)
def test_a_real_process_refuses(arguments: list[str], keys: tuple[str, ...], elsewhere: Path) -> None:
    program = Path(sys.executable).with_name("mnistsweep")
    ended = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    lines = lines_of(Answer(ended.returncode, ended.stdout, ended.stderr))
    assert [line.startswith(key) for line, key in zip(lines, keys, strict=True)] == [True] * len(keys)
    assert tree(elsewhere) == {}
