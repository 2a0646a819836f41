"""Text of users that would act on a terminal, and streams with a narrow encoding."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from mnistsweep.console import SafeConsole
from mnistsweep.printable import make_streams_safe, printable, write_document

# Every character that a terminal executes or that changes the order of the text; tab and line feed are harmless.
UNSAFE = [
    chr(code)
    for code in range(0x11000)
    if unicodedata.category(chr(code)) in ("Cc", "Cs") or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
]
UNSAFE = [character for character in UNSAFE if character not in "\t\n"]


def test_each_unsafe_character_is_shown_escaped() -> None:
    assert len(UNSAFE) == 63 + 9 + 2048
    for character in UNSAFE:
        shown = printable(f"a{character}b")
        assert shown.isascii()
        assert shown.isprintable()
        assert shown.encode().decode("unicode_escape") == f"a{character}b"
    assert printable("caf\u00e9 \u2028 [red] \\x1b \U0001f600\n\t") == "caf\u00e9 \u2028 [red] \\x1b \U0001f600\n\t"


@given(st.text(alphabet=st.characters(codec=None) | st.sampled_from(UNSAFE)))
def test_a_printable_text_is_its_own_printable_text(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert not set(printable(text)) & set(UNSAFE)


def test_a_console_prints_no_control_character_and_no_markup_of_users() -> None:
    text = "\x1b]0;title\x07 \x9b2J \u202egnp \ud800 [/red] [bold]x[/bold] :smile:"
    for is_terminal in (False, True):
        stream = io.StringIO()
        console = SafeConsole(file=stream, force_terminal=is_terminal, width=200, color_system=None)
        table = Table(text, title=text)
        table.add_row(text, "[/unbalanced]")
        for renderable in (text, Text(text), table):
            console.print(renderable, soft_wrap=True)
        printed = stream.getvalue()
        assert not set(printed) & set(UNSAFE)
        assert printed.count("\\x9b2J \\u202egnp \\ud800 [/red] [bold]x[/bold] :smile:") == 5
        assert "[/unbalanced]" in printed


def test_a_console_keeps_its_own_styles() -> None:
    stream = io.StringIO()
    SafeConsole(file=stream, force_terminal=True, color_system="standard").print(Text.assemble(("a\x1b", "bold"), "b"))
    assert stream.getvalue() == "\x1b[1ma\\x1b\x1b[0mb\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_streams_escape_what_their_encoding_lacks(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    make_streams_safe()
    print("\u2713 \udc80", flush=True)
    write_document("name: \u2713\n")
    check = "\u2713" if encoding == "utf-8" else "\\u2713"
    assert raw.getvalue().decode() == f"{check} \\udc80\nname: \u2713\n", (
        "a document is UTF-8 whatever the terminal has"
    )


def test_a_process_without_standard_streams_prints_nothing() -> None:
    code = "from mnistsweep import cli; import sys; sys.exit(cli.main())"
    command = [sys.executable, "-c", code, "export", "/dev/null/no sweep"]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
