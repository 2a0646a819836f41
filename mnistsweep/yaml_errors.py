"""Errors in YAML files in this project's words: file, line, column, what was received, how to correct it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import yaml

from mnistsweep.printable import printable
from mnistsweep.yaml_aliases import MAX_VALUES, TooManyValues

# Number of characters of a line that a message shows.
MAX_SHOWN_CHARACTERS = 60

# What the problems that PyYAML names have broken, and the remedy. Its two readers, in C and in Python, name some
# problems differently.
_RULES = (
    (
        r"mapping values are not allowed",
        "a line has one key, and a text with ': ' in it is quoted",
        "correct the indentation, write 'key: value' with a space, or quote the text",
    ),
    (r"expected ',' or", "a bracket is closed, and commas separate its items", "add the bracket or the comma"),
    (r"could not find expected ':'", "a key is followed by a colon and a space", "write key: value"),
    (r"found duplicate key", "a key is written once in its group", "remove one of the two lines"),
    (r"end of stream|unexpected end", "a quote is closed", "add the quote at the end of the text"),
    (r"expected (<block end>|key|'-')", "keys of one group are indented equally", "correct the indentation or a quote"),
    (r"expected (the )?node content", "a bracket contains values", "remove the bracket, or put it in quotes"),
    (r"undefined alias", "a value that begins with '*' refers to an anchor '&'", "quote the value"),
    (r"constructor for the tag", "a value that begins with '!' is quoted", "quote the value"),
    (r"escape character", "a backslash in double quotes begins a special character", "use single quotes"),
)

_TAB = ("lines are indented with spaces", "replace the tab by spaces")
_QUOTED = ("a value that begins with {!r} is quoted", "put the value in quotes")
_CONTROL = ("a text has no control characters", "remove the character U+{:04X}")
_OTHER = ("the line cannot be parsed", "correct the line")


def describe_yaml_error(error: yaml.YAMLError | UnicodeDecodeError, file: Path | str | None = None) -> str:
    """Describe in one line why a YAML file cannot be read.

    Args:
        error: Error of PyYAML, or of the decoding of the file.
        file: Path of the file; None: the one that the error names.

    Example:
        >>> try:
        ...     yaml.safe_load("units: [32, 64")
        ... except yaml.YAMLError as error:
        ...     describe_yaml_error(error, "mine.yaml")[:54]
        'mine.yaml: not valid YAML: line 1, column 8: a bracket'
    """
    mark = _mark(error)
    path = Path(file or getattr(mark or error, "name", None) or "a file")
    if isinstance(error, TooManyValues):
        return f"{path}: its aliases (*) must stand for at most {MAX_VALUES:,} values; received more; write less."
    content = b""
    with contextlib.suppress(OSError):
        content = path.read_bytes()
    if isinstance(error, UnicodeDecodeError):
        return f"{path}: not a text in UTF-8: {_undecodable(content)}; save the file in UTF-8."
    lines = content.decode(errors="replace").splitlines()
    if mark is None:
        return f"{path}: not valid YAML: {_without_place(error, lines)}."
    found = lines[mark.line] if mark.line < len(lines) else ""
    rule, fix = _rule(str(getattr(error, "problem", "")), found[mark.column : mark.column + 1])
    received = f"; received {_shown(found)}" if found.strip() else ""
    return f"{path}: not valid YAML: line {mark.line + 1}, column {mark.column + 1}: {rule}{received}; {fix}."


def _mark(error: yaml.YAMLError | UnicodeDecodeError) -> yaml.Mark | None:
    """Place of an error: of a bracket or a quote that is not closed, its own place."""
    problem, context = (getattr(error, name, None) for name in ("problem_mark", "context_mark"))
    is_open = re.search(r"expected ',' or|end of stream|unexpected end", str(getattr(error, "problem", "")))
    mark: yaml.Mark | None = context if context is not None and is_open else problem
    return mark


def _rule(problem: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in problem:
        return _TAB if character == "\t" else (_QUOTED[0].format(character), _QUOTED[1])
    return next(((rule, fix) for pattern, rule, fix in _RULES if re.search(pattern, problem)), _OTHER)


def _without_place(error: yaml.YAMLError | UnicodeDecodeError, lines: list[str]) -> str:
    """Description of an error of the reader, which names only the character that is not allowed."""
    character = getattr(error, "character", None)
    code = character if isinstance(character, int) else ord(str(character or " ")[0])
    places = [(number, line.index(chr(code))) for number, line in enumerate(lines) if chr(code) in line]
    if character is None or not places:
        return "; ".join(_OTHER)
    number, column = places[0]
    return f"line {number + 1}, column {column + 1}: {_CONTROL[0]}; {_CONTROL[1].format(code)}"


def _undecodable(content: bytes) -> str:
    """Place of the first byte that is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before.rpartition(b"\n")[2].decode(errors="replace"))
        line, byte = before.count(b"\n"), content[error.start]
        return f"line {line + 1}, column {column + 1}: received the byte 0x{byte:02X}"
    return "its content has changed"


def _shown(line: str) -> str:
    short = line if len(line) <= MAX_SHOWN_CHARACTERS else line[:MAX_SHOWN_CHARACTERS] + "..."
    return printable(repr(short))
