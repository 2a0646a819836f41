"""What users' code may raise: descriptions, tracebacks, exits."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mnistsweep.error_descriptions import MAX_DESCRIPTION_LENGTH, describe_error
from mnistsweep.errors import ConfigError, TrialFailed, refused_write
from mnistsweep.printable import printable
from mnistsweep.user_code import (
    MAX_LINE_LENGTH,
    MAX_TRACEBACK_LINES,
    exits_as_failures,
    explained,
    format_traceback,
)


class Own(BaseException):
    """A user's exception that `except Exception` does not catch."""


class Broken(Exception):
    """Its message cannot be made."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


class NoText(Exception):
    def __str__(self) -> Any:
        return 7  # noqa: PLE0307


class Recursive(Exception):
    def __str__(self) -> str:
        return str(self)


class SubclassOfStr(str):
    def __getitem__(self, key: Any) -> Any:
        raise LookupError("no slice")


class OddText(Exception):
    def __str__(self) -> str:
        return SubclassOfStr("odd")


class Unequal(Exception):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("cannot be compared")


GROUP = BaseExceptionGroup("both", [ValueError("a"), BaseExceptionGroup("inner", [TypeError("b\nc"), Own("d")])])

DESCRIPTIONS: list[tuple[BaseException, str]] = [
    (SystemExit(), "SystemExit"),
    (SystemExit("no data"), "SystemExit: no data"),
    (SystemExit(0), "SystemExit: 0"),
    (Own("x"), "Own: x"),
    (Broken(SystemExit(3)), "Broken: (no message: its __str__ raised SystemExit)"),
    (Broken(KeyboardInterrupt()), "Broken: (no message: its __str__ raised KeyboardInterrupt)"),
    (NoText(), "NoText: (no message: its __str__ raised TypeError)"),
    (Recursive(), "Recursive: (no message: its __str__ raised RecursionError)"),
    (OddText(), "OddText: odd"),
    (Unequal("x"), "Unequal: x"),
    (GROUP, "BaseExceptionGroup: both (2 sub-exceptions); ValueError: a; TypeError: b c; Own: d"),
    (ValueError("\udc80\x1b[31m\x07\u202e [red]\r\n\x00"), r"ValueError: \udc80\x07\u202e [red] \x00"),
    (type("Bad\x1b", (Exception,), {})("x"), r"Bad\x1b: x"),
    (MemoryError(), "MemoryError: the process ran out of memory"),
    (
        RuntimeError("{{node x}} ValueError: a\nTraceback (most recent call last):\n  File ..."),
        "RuntimeError: ValueError: a",
    ),
    (ValueError("x" * 10_000_000), "ValueError: " + "x" * (MAX_DESCRIPTION_LENGTH - 15) + "..."),
]


@pytest.mark.parametrize(("error", "description"), DESCRIPTIONS, ids=lambda value: str(type(value).__name__))
def test_any_exception_has_a_description_and_a_traceback(error: BaseException, description: str) -> None:
    assert describe_error(error) == description
    assert refused_write(error, "a file") is None
    try:
        raise error
    except BaseException as caught:
        text = format_traceback(caught)
    assert "Traceback (most recent call last)" in text
    assert printable(text) == text
    assert len(text) < 20_000
    row = ["0", "failed", describe_error(error)]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(row)
    content = stream.getvalue().encode()
    assert next(csv.reader(io.StringIO(content.decode()))) == row
    assert pd.read_csv(io.BytesIO(content), header=None, dtype=str).iloc[0].tolist() == row


def mutual(depth: int) -> None:
    other(depth - 1)


def other(depth: int) -> None:
    if depth <= 0:
        raise RecursionError("deep")
    mutual(depth - 1)


def test_a_traceback_keeps_its_head_and_its_tail() -> None:
    with pytest.raises(RecursionError) as deep:
        mutual(700)
    lines = format_traceback(deep.value).splitlines()
    assert len(lines) == MAX_TRACEBACK_LINES + 1
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[MAX_TRACEBACK_LINES // 2].endswith("lines left out ...")
    assert lines[-1] == "RecursionError: deep"
    (first, line) = format_traceback(ValueError("a" + "\u00e9" * 10_000_000 + "\nz" * 1)).splitlines()
    assert first.startswith("ValueError: a\u00e9")
    assert len(first) < MAX_LINE_LENGTH + 60
    assert line == "z"


def test_a_traceback_is_written_although_the_exception_cannot_be_read() -> None:
    class Hidden(SyntaxError):
        @property
        def __notes__(self) -> Any:
            raise SystemExit

        def __getattribute__(self, name: str) -> Any:
            if name in ("lineno", "text", "filename", "msg"):
                raise LookupError(name)
            return super().__getattribute__(name)

    with pytest.raises(Hidden) as caught:
        raise Hidden("x")
    text = format_traceback(caught.value)
    assert "raise Hidden" in text
    assert "Hidden" in text.splitlines()[-1]


EXITS = [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), Own("x"), GROUP]


@pytest.mark.parametrize("error", EXITS, ids=lambda error: type(error).__name__)
def test_an_exit_is_a_failure_unless_a_stop_was_requested(error: BaseException) -> None:
    with pytest.raises(TrialFailed) as failed, exits_as_failures(lambda: False):
        raise error
    assert str(failed.value) == describe_error(error)
    with pytest.raises(KeyboardInterrupt), exits_as_failures(lambda: True):
        raise error
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else TrialFailed
    with pytest.raises(expected), exits_as_failures():
        raise error


def test_an_exception_stays_what_it_is() -> None:
    for error in (ValueError("x"), StopIteration("x"), StopAsyncIteration("x")):
        with pytest.raises(type(error)) as caught, exits_as_failures(lambda: True):
            raise error
        assert caught.value is error


def test_an_error_of_users_code_is_explained_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "own\x1b.py"
    functions: dict[str, Callable[[], None]] = {}
    exec(compile("def leave():\n    raise SystemExit(3)\n", str(file), "exec"), functions)
    with pytest.raises(ConfigError) as caught, explained(lambda reason: ConfigError(f"model: {reason}.")):
        functions["leave"]()
    assert str(caught.value) == f"model: SystemExit: 3 ({tmp_path}/own\\x1b.py, line 2)."
    for error in (ConfigError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as same, explained(lambda reason: ConfigError(f"model: {reason}.")):
            raise error
        assert same.value is error
