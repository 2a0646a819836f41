"""`mnistsweep show`: the predictions for one test image, printed and drawn."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import command
from reports import Reported, collected

from mnistsweep.commands.show import show
from mnistsweep.errors import DataError
from mnistsweep.evaluation.report import load_report
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.paths import SweepPaths

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def evidence(reported: Reported) -> ClassEvidence:
    return collected(reported.folder, "report.seeds=2")[0]


def test_one_image_is_printed_and_drawn(
    reported: Reported, evidence: ClassEvidence, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "three.png"
    answer = command(capfd, "show", str(reported.folder), "3", "--output", str(target))
    assert (answer.code, answer.err) == (0, "")
    head, columns, *table, place = answer.out.splitlines()
    mean = evidence.probabilities[:, 3].mean(axis=0)
    order = np.argsort(-mean)
    verdict = "right" if order[0] == evidence.labels[3] else "wrong"
    assert head == f"image 3: label {evidence.labels[3]}, prediction {order[0]}: {verdict}"
    assert columns.split() == ["class", "probability", "min", "max"]
    cells = [line.split() for line in table]
    assert [int(cell[0]) for cell in cells] == order.tolist()
    assert sum(float(cell[1]) for cell in cells) == pytest.approx(1, abs=2.1e-4)
    for number, *values in cells:
        own = evidence.probabilities[:, 3, int(number)]
        np.testing.assert_allclose(np.array(values, float), [own.mean(), own.min(), own.max()], atol=5.1e-5)
    assert place == str(target)
    assert target.read_bytes().startswith(PNG)
    assert len(target.read_bytes()) > 2000


def test_the_next_wrong_image_is_drawn_into_the_report(
    folder: Path, evidence: ClassEvidence, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = np.flatnonzero(evidence.committee.argmax(axis=1) != evidence.labels).tolist()
    for start, expected in (-1, wrong[0]), (wrong[0] - 1, wrong[0]), (wrong[-1], wrong[0]), (19, wrong[0]):
        answer = command(capfd, "show", str(folder), str(start), "--next-wrong")
        assert answer.code == 0, answer.err
        assert answer.out.startswith(f"image {expected}: label {evidence.labels[expected]}, prediction ")
        assert answer.out.splitlines()[0].endswith(": wrong")
    assert [path.name for path in (folder / "report" / "images").iterdir()] == [f"{wrong[0]:05d}.png"]
    assert SweepPaths(folder).report.image(wrong[0]).read_bytes().startswith(PNG)


def test_class_names_are_printed_without_markup(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record = SweepPaths(folder).report.record
    content = json.loads(record.read_text(encoding="utf-8"))
    content["class_names"] = ["[red]", "[b]one[/b]", "Zwei", "drei"]
    record.write_text(json.dumps(content), encoding="utf-8")
    answer = command(capfd, "show", str(folder), "1")
    assert answer.code == 0
    assert "label [b]one[/b]" in answer.out
    assert all(name in answer.out for name in content["class_names"])


def test_show_does_not_import_keras(folder: Path) -> None:
    code = (
        "import sys; from mnistsweep import cli; "
        f"code = cli.main(['show', {str(folder)!r}, '0']); "
        "sys.exit(code or bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["20"], r"mnistsweep: INDEX: the test set has images 0 to 19, received 20\."),
        (["-1"], r"mnistsweep: INDEX: the test set has images 0 to 19, received -1\."),
        (["-2", "--next-wrong"], r"mnistsweep: index: must lie from 0 to 19, or be -1 .*received -2\."),
        (["seven"], r"mnistsweep: argument INDEX: .*'seven'; see mnistsweep show --help\."),
        ([], r"mnistsweep: the following arguments are required: INDEX; see mnistsweep show --help\."),
        (["3", "4"], r"mnistsweep: show: expects one sweep; received '4' too\."),
        (["3", "--nxt-wrong"], r"mnistsweep: show: there is no option '--nxt-wrong'; did you mean '--next-wrong'\? .*"),
    ],
)
def test_invalid_arguments_are_one_message(
    reported: Reported, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    answer = command(capfd, "show", str(reported.folder), *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert re.fullmatch(f"{message}\n", answer.err), answer.err


def test_an_output_that_cannot_be_written_is_an_error(
    reported: Reported, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").mkdir()
    answer = command(capfd, "show", str(reported.folder), "3", "--output", str(tmp_path / "taken"))
    assert (answer.code, answer.err) == (
        2,
        f"mnistsweep: --output: must name a file that can be written; received '{tmp_path / 'taken'}': it is a folder; "
        "name another one.\n",
    )
    assert list(tmp_path.rglob("*")) == [tmp_path / "taken"]


def test_without_mistakes_there_is_no_next_wrong_image(folder: Path, evidence: ClassEvidence) -> None:
    paths = SweepPaths(folder).report
    for name in json.loads(paths.record.read_text(encoding="utf-8"))["models"]:
        with np.load(paths.predictions(name)) as file:
            arrays = {key: file[key] for key in file.files}
        np.savez(paths.predictions(name), **(arrays | {"probabilities": np.eye(4)[evidence.labels]}))
    assert load_report(folder).next_wrong(-1) is None
    with pytest.raises(DataError, match="none of the 20 test images is predicted wrong"):
        show(folder, -1, next_wrong=True)
