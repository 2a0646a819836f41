"""Paths that cannot be used, through the command line: one line that names the key, exit code 2, nothing created."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, finished_sweep, tree
from commands import command as command_of_a_superuser
from rights import ordinary_rights

from mnistsweep.commands import train

Capture = pytest.CaptureFixture[str]

SWEPT = ["model.dropout=0,0.1", "trials=4"]
STARTS = {"train": ["train"], "sweep": ["sweep", *SWEPT]}
READERS = ["status", "stop", "repair", "export", "report", "show 0", "clean"]

LONG = "a" * 300

TRAIN = train._train


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with paths of many kinds, in which nothing is trained."""

    def start(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("it was not refused")

    monkeypatch.setattr("mnistsweep.workers.supervisor.run_workers", start)
    monkeypatch.setattr("mnistsweep.commands.train._train", start)
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("dangling").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    os.mkfifo("fifo")
    Path("open").mkdir()
    closed = {"closed": 0o500, "locked": 0o000, "unsearchable": 0o600}
    for name, mode in closed.items():
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "file").touch()
        Path(name).chmod(mode)
    Path("unreadable").touch(0o000)
    yield tmp_path
    for name in closed:
        (tmp_path / name).chmod(0o700)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep, made once."""
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        finished_sweep(SWEPT, [0.9, 0.8])
    return folder / "logs"


@pytest.fixture
def finished(shared: Path, elsewhere: Path) -> Path:
    """Copy of the finished sweep in the working directory, ``logs/sweep``."""
    shutil.copytree(shared, elsewhere / "logs")
    return Path("logs/sweep")


def command(capfd: Capture, *arguments: str) -> Answer:
    """Run a command in this process; permissions apply."""
    with ordinary_rights():
        return command_of_a_superuser(capfd, *arguments)


def refusal(capfd: Capture, *arguments: str) -> str:
    """The only line of a message; nothing may have changed."""
    top = Path.cwd()
    before = (tree(top), top.stat().st_mtime_ns)
    answer = command(capfd, *arguments)
    assert (answer.code, answer.out) == (2, ""), answer
    assert (tree(top), top.stat().st_mtime_ns) == before
    lines = answer.err.removesuffix("\n").split("\n")
    assert len(lines) == 1, lines
    assert lines[0].isprintable()
    return lines[0].removeprefix("mnistsweep: ")


def starts(cases: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """All cases with one command that starts a training, every third one also with the other."""
    both = [("train", *case) for case in cases] + [("sweep", *case) for case in cases[::3]]
    return pytest.mark.parametrize(
        ("start", "value", "reason"), both, ids=[f"{start} {ascii(value)[:20]}" for start, value, _ in both]
    )


def quote(value: str) -> str:
    return f"'{value}'"


NAMES = [
    (LONG, "it is longer than 255 bytes"),
    ("é" * 128, "it is longer than 255 bytes"),
    ("a.", "it ends with a dot or a space"),
    ("a ", "it ends with a dot or a space"),
    ("..", "it does not begin with a letter or a digit"),
    ("~a", "there is no such home folder"),
    ("-a", "it does not begin with a letter or a digit"),
    ("_a", "it does not begin with a letter or a digit"),
    ("a/b", "it has a '/'"),
    ("a\\b", "it has a '\\\\'"),
    ("a\x1b[2J", "'\\x1b' in it is a control character"),
    ("a\nb", "'\\n' in it is a control character"),
    ("a\x9bb", "'\\x9b' in it is a control character"),
    ("a\u2028b", "'\\u2028' in it is a control character"),
    ("", "it is empty"),
]


@starts(NAMES)
def test_a_name_that_no_folder_can_have(start: str, value: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS[start], f"name={quote(value)}")
    assert line.startswith("name: must be a folder name that begins with a letter or digit and has no slash; received ")
    assert f": {reason}; " in line


def test_a_name_as_long_as_the_file_system_allows(elsewhere: Path) -> None:
    plan = finished_sweep([*SWEPT, f"name='{'é' * 127}'"], [0.9])
    assert plan.paths.results.read_text().count("\n") == 2


LOGS = [
    ("/dev/null", "it is a device"),
    ("/dev/null/x", "'/dev/null' above it: it is a device"),
    ("/proc/x", "it does not exist, and '/proc' above it: no permission to write"),
    ("file", "it is a file"),
    ("file/x", "'file' above it: it is a file"),
    ("fifo", "it is a named pipe"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("dangling/x", "'dangling' above it: it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("loop/x", "'loop' above it: it is a symbolic link that leads to itself"),
    ("closed", "no permission to write"),
    ("closed/x/y", "it does not exist, and 'closed' above it: no permission to write"),
    ("locked", "no permission to read or write or enter"),
    ("locked/inner", "'locked' above it: no permission to enter"),
    ("unsearchable/inner", "'unsearchable' above it: no permission to enter"),
    (LONG, "a name in it is longer than 255 bytes"),
    (f"x/{LONG}/y", "a name in it is longer than 255 bytes"),
    ("a/" * 2500, "the path is longer than 3840 bytes"),
    ("~nobody-has-this-name/x", "there is no such home folder"),
    ("a\nb", "'\\n' in it is a control character"),
    ("a\x1bb", "'\\x1b' in it is a control character"),
    ("", "it is empty"),
    (" ", "it is empty"),
]


@starts(LOGS)
def test_a_folder_that_cannot_hold_a_sweep(start: str, value: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS[start], f"logs={quote(value)}")
    assert line.startswith("logs: must name a folder")
    assert f": {reason}; " in line


@pytest.mark.skipif(os.geteuid() != 0, reason="permissions refuse this before it is tried")
@pytest.mark.parametrize("start", STARTS)
def test_a_folder_that_only_an_attempt_shows_to_be_unusable(start: str, capfd: Capture) -> None:
    before = tree(Path.cwd())
    answer = command_of_a_superuser(capfd, *STARTS[start], "logs=/proc/x")
    assert (answer.code, answer.err) == (
        2,
        "mnistsweep: logs: must name a folder that can be written; received '/proc/x': no such file or directory; "
        "name another one.\n",
    )
    assert tree(Path.cwd()) == before


def test_faults_of_paths_are_reported_with_the_others(capfd: Capture) -> None:
    answer = command(capfd, *STARTS["sweep"], "logs=/dev/null", "workers=0", "data.path=fifo", "data=npz")
    keys = [line.split(" ")[1] for line in answer.err.splitlines()]
    assert (answer.code, keys) == (2, ["workers:", "logs:", "data.path"])


@pytest.mark.parametrize("start", STARTS)
def test_the_home_folder(start: str, elsewhere: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(elsewhere / "closed"))
    assert "no permission to write" in refusal(capfd, *STARTS[start], "logs='~/x'")
    assert not Path("~").exists()


Breaking = Callable[[Path], object]


def as_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def as_file(path: Path) -> None:
    shutil.rmtree(path)
    path.touch()


def as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_dangling(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def without(mode: int) -> Breaking:
    return lambda path: path.chmod(stat.S_IMODE(path.stat().st_mode) & ~mode)


BROKEN: list[tuple[str, Breaking, str]] = [
    ("", without(0o222), "no permission to write"),
    ("", without(0o111), "no permission to enter"),
    ("", as_file, "it is a file"),
    ("workers", as_file, "it is a file"),
    ("workers", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
    ("workers", without(0o222), "no permission to write"),
    ("workers/ledger.lock", as_folder, "it is a folder"),
    ("workers/views.lock", without(0o222), "no permission to write"),
    ("workers/0.log", as_folder, "it is a folder"),
    ("trials", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
    ("trials", without(0o222), "no permission to write"),
    ("sweep.yaml", as_folder, "it is a folder"),
    ("sweep.yaml", as_fifo, "it is a named pipe"),
    ("sweep.yaml", without(0o444), "no permission to read"),
    ("results.csv", as_folder, "it is a folder"),
    ("results.csv", without(0o444), "no permission to read"),
    ("best.yaml", as_folder, "it is a folder"),
    ("study.journal", as_folder, "it is a folder"),
    ("study.journal", as_fifo, "it is a named pipe"),
    ("study.journal", without(0o222), "no permission to write"),
    ("study.journal", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
    ("kerastuner_oracle.json", as_folder, "it is a folder"),
]


@pytest.mark.parametrize(("part", "damage", "reason"), BROKEN, ids=[f"{part}: {why}" for part, _, why in BROKEN])
def test_a_sweep_that_cannot_be_continued(
    part: str, damage: Breaking, reason: str, finished: Path, capfd: Capture
) -> None:
    damage(finished / part)
    line = refusal(capfd, "sweep", *SWEPT, "trials=9")
    shown = f"received '{finished / part}'" if part or reason == "it is a file" else str(finished)
    assert line.startswith("name: must name ")
    assert shown in line
    assert f": {reason}; correct this, or use another name=NAME." in line
    finished.chmod(0o755)


def test_a_sweep_in_a_folder_of_another_user_is_continued(finished: Path, capfd: Capture) -> None:
    finished.parent.chmod(0o555)
    answer = command(capfd, "sweep", "model.dropout=0,0.1", "trials=2")
    assert (answer.code, answer.err) == (0, "")
    finished.parent.chmod(0o755)


def test_nothing_is_left_of_a_sweep_that_could_not_be_opened(
    elsewhere: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.mkdir

    def mkdir(self: Path, *arguments: Any, **keywords: Any) -> None:
        if self.name == "workers":
            real(self.parent, parents=True)
            raise OSError(1, "Operation not permitted", str(self))
        real(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "mkdir", mkdir)  # the last of the folders cannot be created
    line = refusal_but_for_the_time(capfd, *STARTS["sweep"], "logs=open/a/b")
    assert line == (
        "mnistsweep: logs: must name a folder that can be written; received 'open/a/b/sweep/workers': operation not "
        "permitted; name another one.\n"
    )


def refusal_but_for_the_time(capfd: Capture, *arguments: str) -> str:
    before = set(tree(Path.cwd()))
    answer = command(capfd, *arguments)
    assert answer.code == 2
    assert set(tree(Path.cwd())) == before
    return answer.err


ARGUMENTS = [
    (LONG, "a name in it is longer than 255 bytes"),
    (f"logs/{LONG}", "a name in it is longer than 255 bytes"),
    ("a/" * 2500, "the path is longer than 3840 bytes"),
    ("file", "it is a file"),
    ("fifo", "it is a named pipe"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("locked", "no permission to read or enter"),
    ("locked/inner", "'locked' above it: no permission to enter"),
    ("a\nb", "'\\n' in it is a control character"),
    ("a\x1b[2Jb", "'\\x1b' in it is a control character"),
    ("", "it is empty"),
]


@pytest.mark.parametrize(("sweep", "reason"), ARGUMENTS, ids=[ascii(sweep)[:20] for sweep, _ in ARGUMENTS])
@pytest.mark.parametrize("reader", READERS)
def test_a_sweep_that_cannot_be_read(reader: str, sweep: str, reason: str, finished: Path, capfd: Capture) -> None:
    name, *rest = reader.split()
    line = refusal(capfd, name, sweep, *rest)
    assert line.startswith("SWEEP: must name a folder that can be read; received ")
    assert f": {reason}; " in line


@pytest.mark.parametrize(
    ("part", "damage", "reason"),
    [
        ("sweep.yaml", as_folder, "it is a folder"),
        ("sweep.yaml", as_fifo, "it is a named pipe"),
        ("sweep.yaml", without(0o444), "no permission to read"),
        ("sweep.yaml", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
        ("study.journal", as_folder, "it is a folder"),
        ("study.journal", as_fifo, "it is a named pipe"),
        ("study.journal", without(0o444), "no permission to read"),
    ],
)
@pytest.mark.parametrize("reader", ["status", "stop", "export", "report", "clean"])
def test_a_file_of_a_sweep_that_cannot_be_read(
    reader: str, part: str, damage: Breaking, reason: str, finished: Path, capfd: Capture
) -> None:
    damage(finished / part)
    line = refusal(capfd, *reader.split(), "sweep")
    assert f"logs/sweep/{part}" in line
    assert f": {reason}" in line


@pytest.mark.parametrize("damage", [as_folder, as_fifo, without(0o444)])
def test_a_best_configuration_that_cannot_be_read(damage: Breaking, finished: Path, capfd: Capture) -> None:
    damage(finished / "best.yaml")
    assert refusal(capfd, "export", "sweep").startswith("SWEEP: must name a file that can be read; received 'logs/sw")


OUTPUTS = [
    ("open", "it is a folder"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("fifo", "it is a named pipe"),
    ("/dev/null", "it is a device"),
    ("file/x", "'file' above it: it is a file"),
    ("closed/x", "it does not exist, and 'closed' above it: no permission to write"),
    ("closed/file", "'closed' above it: no permission to write"),
    ("locked/x", "'locked' above it: no permission to enter"),
    (LONG, "a name in it is longer than 255 bytes"),
    ("a\nb", "'\\n' in it is a control character"),
    ("", "it is empty"),
]


@pytest.mark.parametrize(("output", "reason"), OUTPUTS, ids=[output[:20] for output, _ in OUTPUTS])
@pytest.mark.parametrize("option", ["export --output", "export --model", "show --output"])
def test_an_output_that_cannot_be_written(
    option: str, output: str, reason: str, finished: Path, capfd: Capture
) -> None:
    name, flag = option.split()
    line = refusal(capfd, name, "sweep", *(["0"] if name == "show" else []), flag, output)
    assert line.startswith(f"{flag}: must name a file that can be written; received {repr(output)[:100]}")
    assert f": {reason}; name another one." in line


def test_an_export_with_the_longest_name(finished: Path, capfd: Capture) -> None:
    for name in ("é" * 127, f"a.{'b' * 253}"):
        assert command(capfd, "export", "sweep", "--output", name).code == 0
        assert Path(name).read_text(encoding="utf-8") == (finished / "best.yaml").read_text(encoding="utf-8")


def test_an_export_to_the_standard_output(finished: Path, capfd: Capture) -> None:
    answer = command(capfd, "export", "sweep", "--output", "-")
    assert answer.out == (finished / "best.yaml").read_text(encoding="utf-8")
    assert not Path("-").exists()


CONFIG_DIRS = [case for case in ARGUMENTS if not case[0].startswith("logs/")]


@starts(CONFIG_DIRS)
def test_a_folder_of_configurations_that_cannot_be_read(start: str, value: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS[start], "--config-dir", value)
    assert line.startswith("--config-dir: must name a folder that can be read; received ")
    assert f": {reason}; " in line


@pytest.mark.parametrize("start", STARTS)
def test_configurations_that_cannot_be_read(start: str, capfd: Capture) -> None:
    Path("open/own.yaml").touch(0o000)
    line = refusal(capfd, *STARTS[start], "--config-dir", "open", "--config-name", "own")
    assert line.endswith("open/own.yaml: cannot be read: Permission denied.")
    assert refusal(capfd, *STARTS[start], "--config-name", LONG).startswith("--config-name: there is no 'aaa")
    Path("open/model").mkdir()
    Path("open/model/own.yaml").touch(0o000)
    line = refusal(capfd, *STARTS[start], "--config-dir", "open", "model=own")
    assert "open/model/own.yaml" in line
    assert "Permission denied" in line


def test_presets_and_modules_that_are_no_files(capfd: Capture) -> None:
    Path("sweeps").mkdir()
    for name in ("sweeps/own.yaml", "own.py"):
        os.mkfifo(name)
    line = refusal(capfd, "sweep", "own")
    assert line.startswith("sweeps: there is no 'own'; Known: ")
    assert "'own'" not in line.partition("Known")[2]
    line = refusal(capfd, "train", "model._target_=own.net")
    assert line == f"model._target_: no module 'own' is installed or in {Path.cwd()}, from 'own.net'"
    assert refusal(capfd, "sweep", LONG).startswith("sweeps: there is no 'aaa")
    Path("unreadable").rename("closed_module.py")
    line = refusal(capfd, "train", "model._target_=closed_module.net")
    assert line == f"model._target_: {Path.cwd()}/closed_module.py cannot be read: Permission denied"


def test_a_missing_right_in_a_training_is_one_line(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*arguments: Any, **keywords: Any) -> Any:
        raise PermissionError(13, "Permission denied", "logs/train/0000/best.keras")

    monkeypatch.setattr("mnistsweep.commands.train._train_checked", denied)
    assert refusal(capfd, "train") == "logs/train/0000/best.keras: cannot be used: Permission denied."


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            OSError(28, "No space left"),
            1,
            "logs/train/0000: cannot be written: No space left on device. Free disk space;",
        ),
        (
            PermissionError(13, "Permission denied", "logs/train/0000/a"),
            2,
            "logs/train/0000/a: cannot be used: Permission",
        ),
        (
            PermissionError(13, "Permission denied", "own.csv"),
            1,
            "the training failed: PermissionError: [Errno 13] Perm",
        ),
    ],
)
def test_a_training_that_cannot_write(
    error: OSError, code: int, said: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any, **keywords: Any) -> Any:
        raise error

    monkeypatch.setattr("mnistsweep.commands.train._train", TRAIN)
    monkeypatch.setattr("mnistsweep.tuner.hypermodel_training.train_once", fails)
    answer = command(capfd, "train", "model=perceptron")
    assert answer.code == code
    assert answer.err.startswith(f"mnistsweep: {said}")
    assert answer.err.count("\n") == 1


DATA = [
    ("fifo", "it is a named pipe"),
    ("/dev/zero", "it is a device"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("locked/inner", "'locked' above it: no permission to enter"),
    (LONG, "a name in it is longer than 255 bytes"),
    ("a\x1bb", "'\\x1b' in it is a control character"),
]


@pytest.mark.parametrize(("path", "reason"), DATA, ids=[ascii(path)[:20] for path, _ in DATA])
@pytest.mark.parametrize("loader", ["idx", "npz"])
def test_data_that_cannot_be_read(loader: str, path: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, "train", f"data={loader}", f"data.path={quote(path)}")
    assert line.startswith("data.path must name ")
    assert f" cannot be used: {reason}" in line


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(as_fifo, "it is a named pipe"), (as_dangling, "symbolic link to"), (without(0o444), "no permission to read")],
)
def test_an_idx_file_that_cannot_be_read(damage: Breaking, reason: str, capfd: Capture) -> None:
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    for name in names:
        (Path("open") / name).touch()
    damage(Path("open") / names[0])
    line = refusal(capfd, "train", "data=idx", "data.path=open")
    assert line.startswith(f"data.path='open': 'open/{names[0]}' cannot be read: ")
    assert reason in line


def test_an_archive_that_cannot_be_read(capfd: Capture) -> None:
    line = refusal(capfd, "train", "data=npz", "data.path=unreadable")
    assert line == "data.path must name an .npz file; 'unreadable' cannot be used: no permission to read"


DATABASES = [
    ("open", "it is a folder"),
    ("fifo", "it is a named pipe"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("unreadable", "no permission to read"),
    ("locked/x.db", "no permission to enter"),
    ("closed/x.db", "no permission to write"),
    ("file/x.db", "it is a file"),
    ("nowhere/x.db", "it does not exist"),
    (f"{LONG}.db", "a name in it is longer than 255 bytes"),
]


@pytest.mark.parametrize(("file", "reason"), DATABASES, ids=[file[:20] for file, _ in DATABASES])
def test_a_database_that_cannot_be_opened(file: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS["sweep"], f"storage=sqlite:///{file}")
    assert line.startswith(f"storage: the ledger sqlite:///{file} cannot be used: ")
    assert reason in line


WRITTEN = [
    ("report", "report", as_dangling, "it is a symbolic link"),
    ("report", "report", without(0o222), "no permission to write"),
    ("report", "report/models", as_dangling, "it is a symbolic link"),
    ("report", "report/predictions", without(0o222), "no permission to write"),
    ("report", "report/index.html", as_folder, "it is a folder"),
    ("report", "report/files.txt", without(0o444), "no permission to read"),
    ("clean", "clean", as_dangling, "it is a symbolic link"),
    ("clean", "clean", without(0o222), "no permission to write"),
    ("clean", "clean/folds.npz", as_folder, "it is a folder"),
    ("clean", "clean/experiment.lock", without(0o222), "no permission to write"),
]


@pytest.mark.parametrize(
    ("name", "part", "damage", "reason"), WRITTEN, ids=[f"{part}: {why}" for _, part, _, why in WRITTEN]
)
def test_results_that_cannot_be_written(
    name: str, part: str, damage: Breaking, reason: str, finished: Path, capfd: Capture
) -> None:
    path = finished / part
    path.parent.mkdir(exist_ok=True)
    if damage is not as_dangling and damage is not as_folder:
        path.touch() if path.suffix else path.mkdir()
    damage(path)
    line = refusal(capfd, name, "sweep")
    assert line.startswith(f"{name}: must name a f")
    assert f"'logs/sweep/{part}': {reason}" in line
    assert line.endswith("; correct this, or move the folder away.")


def test_a_working_directory_that_no_longer_exists(capfd: Capture) -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    for arguments in (["status", "x"], STARTS["train"], STARTS["sweep"]):
        answer = command(capfd, *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == "mnistsweep: the working directory: cannot be used: No such file or directory.\n"
    assert command(capfd, "--help").code == 0


READ_ONLY = """\
mount -t tmpfs -o size=1m none "$1" && mkdir "$1/x" && mount -o remount,ro "$1" || exit 99
shift; exec "$@"
"""


def test_a_read_only_file_system_is_named_as_such(elsewhere: Path) -> None:
    under = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", "open"]
    program = [sys.executable, "-m", "mnistsweep.cli", *STARTS["sweep"], "logs=open/x/y"]
    ended = subprocess.run([*under, *program], capture_output=True, text=True, check=False)
    if ended.returncode in (1, 99, 127) and "mnistsweep" not in ended.stderr:
        pytest.skip(f"no file system can be mounted here: {ended.stderr}")
    assert (ended.returncode, ended.stderr) == (
        2,
        "mnistsweep: logs: must name a folder that can be written; received 'open/x/y': it does not exist, and "
        "'open/x' above it: the file system is read-only; name another one.\n",
    )
