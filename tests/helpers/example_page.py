"""Examples of a page of documentation: its sections with their files, commands and outputs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE_NAME = re.compile(r"# ([\w/.-]+\.(?:py|yaml))\n")


@dataclass
class Section:
    """A section of a page.

    Attributes:
        title: Heading.
        files: Content of each file by its name: code blocks that begin with a comment with the name.
        commands: Commands in the order of the page, as lists of arguments, each with the output that the page shows.
        code: Code blocks without the name of a file.
    """

    title: str
    files: dict[str, str] = field(default_factory=dict)
    commands: list[tuple[list[str], str]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the files of the section to a folder."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")

    def sweeps(self) -> Iterator[tuple[list[str], str]]:
        """Arguments of each `mnistsweep sweep`, and the output that the page shows."""
        for arguments, shown in self.commands:
            if arguments[:2] == ["mnistsweep", "sweep"]:
                yield arguments[2:], shown


def read_page(file: Path) -> list[Section]:
    """Read the sections of a page that have code."""
    parts = re.split(r"^## (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = []
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        section = Section(title)
        for kind, content in _BLOCK.findall(text):
            _add(section, kind, content)
        sections.append(section)
    return [section for section in sections if section.files or section.commands or section.code]


def _add(section: Section, kind: str, content: str) -> None:
    name = _FILE_NAME.match(content)
    if kind == "sh":
        lines = content.replace("\\\n", " ").splitlines()
        section.commands += [(shlex.split(line), "") for line in lines if line.strip()]
    elif kind == "console":
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", content, re.MULTILINE):
            section.commands.append((shlex.split(command), output))
    elif kind == "text":  # of the last sweep in front of it
        last = max(
            index for index, (words, _) in enumerate(section.commands) if "-m" in words or words[1:2] == ["sweep"]
        )
        section.commands[last] = (section.commands[last][0], content)
    elif name:
        section.files[name[1]] = content
    else:
        section.code.append(content)
