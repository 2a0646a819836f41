"""Messages about YAML files that cannot be read: file, line, column, what was received, and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import command

from mnistsweep.atomic import read_yaml
from mnistsweep.yaml_errors import describe_yaml_error

CASES = {
    "a:\n\tb: 1": "line 2, column 1: lines are indented with spaces; received '\\tb: 1'; replace the tab by spaces",
    "a: [1, 2\nb: 3\n": "column 4: a bracket is closed, and commas separate its items; received 'a: [1, 2'; add the",
    "a: {b: 1\n": "line 1, column 4: a bracket is closed",
    "a: b: c": "line 1, column 5: a line has one key, and a text with ': ' in it is quoted; received 'a: b: c'",
    "a: 1\n b: 2": "line 2, column 3: a line has one key, and a text",
    "key:value\nb: 2": "line 2, column 2: a line has one key",
    "a: @x": "line 1, column 4: a value that begins with '@' is quoted; received 'a: @x'; put the value in quotes",
    "a: %x": "a value that begins with '%' is quoted",
    "b: 1\na: 'x\n": 'line 2, column 4: a quote is closed; received "a: \'x"; add the quote',
    "a: *b": "line 1, column 4: a value that begins with '*' refers to an anchor",
    "a: !!python/object:x.y 1": "line 1, column 4: a value that begins with '!' is quoted",
    "- a\nb: 1": "line 2, column 1: keys of one group are indented equally",
    "a: 'it's'": "line 1, column 8: keys of one group are indented equally; received \"a: 'it's'\"; correct the inde",
    "x: ]": "line 1, column 4: a bracket contains values; received 'x: ]'",
    'a: "C:\\data"': "a backslash in double quotes begins a special character",
    "b: 1\na: \x01": "line 2, column 4: a text has no control characters; remove the character U+0001",
    "a: " + "[" + "x" * 90: "; received '" + "a: [" + "x" * 56 + "...'; add",
}


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("is_fast", [True, False], ids=["C", "Python"])
def test_a_syntax_error_has_its_place_and_a_remedy(text: str, is_fast: bool, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with file.open(encoding="utf-8") as opened, pytest.raises(yaml.YAMLError) as raised:
        read_yaml(file) if is_fast else yaml.load(opened, Loader=yaml.SafeLoader)
    line = describe_yaml_error(raised.value, file if is_fast else None)
    assert line.startswith(f"{file}: not valid YAML: line ")
    assert CASES[text] in line
    assert len(line.splitlines()) == 1
    assert line.endswith(".")


PLACES = {
    "a preset": ("own/model/mine.yaml", ["train", "--config-dir", "own", "model=mine"]),
    "a preset of a sweep": (
        "own/model/mine.yaml",
        ["sweep", "--config-dir", "own", "model=mine", "trainer.epochs=1,2"],
    ),
    "a named sweep": ("sweeps/mine.yaml", ["sweep", "mine"]),
    "a primary configuration": ("own/mine.yaml", ["train", "--config-dir", "own", "--config-name", "mine"]),
}
CONTENTS = {
    b"a: [1\nb: 2\n": "not valid YAML: line 1, column 4: a bracket is closed",
    b"a: 1\nb: caf\xe9 # Latin-1\n": "not a text in UTF-8: line 2, column 7: received the byte 0xE9; save the file in",
    b"a: 1\na: 2\n": "not valid YAML: line 2, column 1: a key is written once in its group; received 'a: 2'",
}


@pytest.mark.parametrize("content", CONTENTS, ids=["syntax", "encoding", "duplicate"])
@pytest.mark.parametrize("place", PLACES)
def test_a_command_names_the_file(
    place: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name, arguments = PLACES[place]
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    (file.parent / "another.yaml").write_bytes(b"# \xff\n")
    answer = command(capfd, *arguments)
    assert (answer.code, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert f"{name}: {CONTENTS[content]}" in line
    assert [path.name for path in tmp_path.iterdir()] == [Path(name).parts[0]]
