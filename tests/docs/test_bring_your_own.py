"""`docs/bring-your-own.md`: each example is run as it stands on the page, with tiny settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import command
from example_page import Section, read_page

from mnistsweep.config.recipe import command_line_recipe
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.sweep import Sweep, load_sweep
from mnistsweep.workers.worker import work

PAGE = Path(__file__).parents[2] / "docs" / "bring-your-own.md"
SECTIONS = {section.title: section for section in read_page(PAGE)}
RUN = [title for title, section in SECTIONS.items() if section.files and section.commands]

# Sections that are also run with the fast tests, in this process.
FAST = ["A table: regression"]

TINY = ["trials=2", "trainer.epochs=1"]
TINY_MULTIRUN = ["hydra.sweeper.n_trials=2", "epochs=1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Working directory; modules that are imported from it are forgotten after the test, and so is the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before, variables = set(sys.modules), dict(os.environ)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").is_file():
            del sys.modules[name]
    os.environ.clear()
    os.environ.update(variables)


def sweep_arguments(section: Section) -> list[tuple[list[str], str]]:
    """Arguments of the section's sweeps, a name of a sweep's file as Hydra's grammar has it, with the shown output."""
    return [
        ([word if "=" in word else f"+sweeps={word}" for word in arguments], shown)
        for arguments, shown in section.sweeps()
    ]


def check(sweep: Sweep, shown: str) -> None:
    """A sweep has two trials, with an objective each, and searches the keys that the page shows for it.

    One of them may have been pruned or stopped: the default search compares trials while they train.
    """
    states = sweep.trials["state"].tolist()
    assert len(states) == 2, sweep.trials.to_string()
    assert "completed" in states, sweep.trials.to_string()
    assert set(states) <= {"completed", "pruned", "stopped"}, sweep.trials.to_string()
    assert sweep.trials["objective"].notna().all()
    if shown:
        best, point = shown.splitlines()[:2]
        objective = sweep.config["plan"]["config"]["objective"]
        assert re.match(rf"best: trial \d+, {objective} [\d.]+ at epoch \d+", best), best
        keys = re.findall(r"([\w.]+)=", point)
        assert set(keys) <= set(sweep.trials.columns)
        assert keys, point


@pytest.mark.parametrize("title", FAST)
def test_an_example_is_a_sweep(title: str, folder: Path) -> None:
    section = SECTIONS[title]
    section.write(folder)
    for arguments, shown in sweep_arguments(section):
        plan = plan_sweep(command_line_recipe(None, None, [*arguments, *TINY]))
        open_sweep(plan)
        with StopSignal() as stop:
            work(plan.paths.folder, 0, "test", stop)
        check(load_sweep(plan.paths.folder), shown)


@pytest.mark.slow
@pytest.mark.parametrize("title", RUN)
def test_the_commands_of_a_section_run_as_they_stand(title: str, folder: Path) -> None:
    for section in SECTIONS.values():
        section.write(folder)
    for file in SECTIONS[title].files:  # a script has its settings in itself
        script = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(re.sub(r"\btrials=\d+", "trials=2", script), encoding="utf-8")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for arguments, shown in SECTIONS[title].commands:
        is_sweep, is_multirun = arguments[:2] == ["mnistsweep", "sweep"], "-m" in arguments
        line = [*arguments, *(TINY if is_sweep else TINY_MULTIRUN if is_multirun else [])]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        if is_sweep:
            name = next((word[5:] for word in arguments if word.startswith("name=")), arguments[2])
            check(load_sweep(folder / "logs" / name), shown)
            assert "\nbest: trial " in done.stdout
        if is_multirun:
            check(load_sweep(folder / "multirun" / "train"), shown)
    scripts = [text for text in SECTIONS[title].files.values() if ".sweep(" in text]
    for name in re.findall(r'name="(\w+)",\n\)', "".join(scripts)):
        check(load_sweep(folder / "logs" / name), "")


def test_a_table_of_contents_names_every_section() -> None:
    titles = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"\[([^]]+)\]\(#([\w-]+)\)", PAGE.read_text(encoding="utf-8"))
    assert [title for title, _ in listed] == titles
    assert all(anchor == re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title, anchor in listed)


def test_the_messages_of_the_page_are_those_of_the_commands(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for section in SECTIONS.values():
        section.write(folder)
    shutil.rmtree(folder / "sweeps")
    before = sorted(folder.iterdir())
    for arguments, shown in SECTIONS["When something does not fit"].commands:
        answer = command(capfd, *arguments[1:])
        assert (answer.code, answer.err) == (2, shown)
    assert [path for path in sorted(folder.iterdir()) if path.name != "__pycache__"] == before
