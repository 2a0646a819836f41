"""Bad input on the command line: one clear message, exit code 2, nothing written, nothing trained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bad_input import Capture, lines_of, matches, refused
from commands import Answer, tree

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
    ("sweep model.dropout=0,0.1 trials=-3", r"^trials: must be at least 1; received -3\.$"),
    ("sweep model.dropout=0,0.1 hours=0", r"^hours: must be at least 1e-06; received 0\.0\.$"),
    ("sweep model.dropout=0,0.1 hours=-1", r"^hours: must be at least 1e-06; received -1\.0\.$"),
    ("sweep model.dropout=0,0.1 hours=nan", r"^hours: must be at least 1e-06; received nan\.$"),
    ("sweep model.dropout=0,0.1 hours=inf", r"^hours: must be at least 1e-06 and finite; received inf\.$"),
    ("sweep model.dropout=0,0.1 trial.timeout_minutes=inf", r"^trial\.timeout_minutes: must be .* and finite;"),
    ("sweep model.dropout=0,0.1 total_epochs=-1", r"^total_epochs: must be at least 1; received -1\.$"),
    ("sweep model.dropout=0,0.1 workers=0", r"^workers: must be between 1 and 256; received 0\.$"),
    ("sweep model.dropout=interval(0,0.5) confirm.top=1", r"^confirm.top: compares at least two configurations"),
    ("sweep model.dropout=interval(0,0.5) confirm.seeds=0", r"^confirm.seeds: must be between 1 and 100; received 0"),
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


def test_gaussian_processes_without_pytorch(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    lines = refused(capfd, "sweep", "model.dropout=interval(0,0.5)", "oracle=gp")
    matches(lines, (r"^oracle=gp: .*PyTorch, which is not installed; pip install 'mnistsweep\[gp\]'",))


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
