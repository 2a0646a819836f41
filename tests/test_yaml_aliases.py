"""YAML files that stand for more values than fit into memory: refused before they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import command, finished_sweep, open_sweep_of

from mnistsweep.paths import SweepPaths
from mnistsweep.yaml_aliases import TooManyValues, check_aliases

Capture = pytest.CaptureFixture[str]
LEVELS = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
BOMB = "\n".join(["a0: &a0 [x, x, x]", *LEVELS, ""])
RULE = "its aliases (*) must stand for at most 1,000,000 values; received more; write less.\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_aliases_are_counted_without_being_followed() -> None:
    check_aliases("a: &x [1, 2]\nb: [*x, *x]")
    check_aliases("")
    with pytest.raises(TooManyValues):
        check_aliases(BOMB)
    with pytest.raises(TooManyValues):
        check_aliases("a: &x [1, *x]")


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("sweeps/bomb.yaml", ["sweep", "bomb"]),
        ("own/data/bomb.yaml", ["train", "data=bomb", "--config-dir", "own"]),
        ("own/best.yaml", ["train", "--config-dir", "own", "--config-name", "best", "--cfg", "job"]),
    ],
)
def test_a_preset(file: str, arguments: list[str], elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / file).parent.mkdir(parents=True)
    (elsewhere / file).write_text(BOMB, encoding="utf-8")
    answer = command(capfd, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith(f"{file}: {RULE}")


@pytest.mark.parametrize(
    ("content", "fault"), [(BOMB, RULE), ("[1, 2]", "must contain keys with values; received list; restore it.\n")]
)
@pytest.mark.parametrize("name", ["status", "report"])
def test_a_sweep_file(name: str, content: str, fault: str, capfd: Capture) -> None:
    plan = finished_sweep(["model.dropout=0,0.2"], [0.5])
    plan.paths.sweep.write_text(content, encoding="utf-8")
    answer = command(capfd, name, "sweep")
    assert (answer.code, answer.err) == (2, f"mnistsweep: logs/sweep/sweep.yaml: {fault}")


def test_a_model_that_is_a_folder(capfd: Capture) -> None:
    plan = finished_sweep(["model.dropout=0,0.2"], [0.5])
    file = plan.paths.trial(0).model
    file.unlink()
    file.mkdir()
    answer = command(capfd, "export", "sweep", "--model", "m.keras")
    fault = "must be the model file of trial 0; received a folder; restore the file."
    assert (answer.code, answer.err) == (2, f"mnistsweep: logs/sweep/trials/0000/best.keras: {fault}\n")


@pytest.mark.parametrize("typed", ["1e5", "007", "1_000", "true"])
def test_a_name_is_what_was_typed(typed: str, elsewhere: Path) -> None:
    plan = open_sweep_of(["model.dropout=0,0.2", f"name={typed}", f"logs={typed}"])
    assert plan.paths == SweepPaths(Path(typed) / typed)
    assert plan.paths.sweep.is_file()
