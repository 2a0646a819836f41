"""The page: runs the sections, draws their figures, writes everything."""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.records import Figure, Interactive, Section
from mnistsweep.html_report.rendering import Shown, render
from mnistsweep.html_report.sections import SECTIONS, Analysis
from mnistsweep.html_report.writing import ReportFolder
from mnistsweep.paths import ReportPaths

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PageResult:
    """What became of a page.

    Attributes:
        index: The page.
        failed: Why a section could not be made, ``TypeName: message``, by its name.
        seconds: How long each section took, drawing included, by its name.
    """

    index: Path
    failed: Mapping[str, str]
    seconds: Mapping[str, float]


def make(
    evidence: Evidence,
    folder: Path,
    sections: Sequence[Analysis] = SECTIONS,
    on_section: Callable[[str], None] = lambda title: None,
) -> PageResult:
    """Make the page and the files that it links to.

    Written are ``index.html``, a PNG of each figure, the sections' CSV files and pictures, ``errors/NAME.txt`` for a
    section that failed, event files with all figures for TensorBoard's image tab, and ``files.txt``, which names all of
    them. What an earlier report wrote and this one does not is removed; nothing else is touched.

    Args:
        evidence: What the sections look at.
        folder: Of the report.
        sections: In reading order.
        on_section: Called with a section's title before it is made.

    Raises:
        OSError: A file cannot be written. An exception in a section is shown on the page instead.
    """
    target, made = ReportFolder(folder), _Made()
    shown: list[Shown] = []
    seconds: dict[str, float] = {}
    for analysis in sections:
        on_section(analysis.title)
        begun = time.perf_counter()
        section = _make_section(analysis, evidence, made, target)
        seconds[analysis.name] = time.perf_counter() - begun
        if section is not None:
            shown.append(section)
    target.write(ReportPaths(folder).page.name, render(evidence, shown))
    target.finish()
    failed = {section.name: section.failure for section in shown if section.failure is not None}
    return PageResult(ReportPaths(folder).page, failed, seconds)


class _Made:
    """Whose each file is: two sections with a file of one name would overwrite each other's."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def claim(self, names: Sequence[str], owner: str) -> None:
        for name in names:
            if name in self._owners:
                raise ValueError(f"the name {name!r} is taken by the section {self._owners[name]!r}; choose another.")
            self._owners[name] = owner


def _make_section(analysis: Analysis, evidence: Evidence, made: _Made, target: ReportFolder) -> Shown | None:
    """Run one section and write its files; None where there is nothing to show."""
    try:
        section = analysis.section(evidence)
        if section is None:
            return None
        drawn = _draw(section)
        files = drawn.files(section)
        made.claim(list(files), analysis.name)
    except Exception as error:
        path = ReportPaths(target.folder).error(analysis.name).relative_to(target.folder).as_posix()
        target.write(path, traceback.format_exc())
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Shown(analysis.name, analysis.title, failure=reason, traceback=path)
    for name, content in files.items():
        target.write(name, content)
    for name, png in drawn.pngs.items():
        target.show(f"{analysis.name}/{name}", png)
    links = {name: name for name in section.files} | _folders(section)
    return Shown(analysis.name, analysis.title, section.blocks, section.advice, drawn.svgs, links)


@dataclass(frozen=True)
class _Drawn:
    """A section's figures, by their names."""

    svgs: Mapping[str, str]
    pngs: Mapping[str, bytes]

    def files(self, section: Section) -> dict[str, str | bytes]:
        """All files of a section by their paths: figures, tables, single pictures."""
        files: dict[str, str | bytes] = {f"{name}.png": png for name, png in self.pngs.items()}
        files |= {name: _csv(table) for name, table in section.files.items()}
        return files | {name: style.to_png(picture) for name, picture in section.pictures.items()}


def _draw(section: Section) -> _Drawn:
    found = [block.figure if isinstance(block, Interactive) else block for block in section.blocks]
    drawings = [block for block in found if isinstance(block, Figure)]
    svgs = {one.name: style.to_svg(one.drawing, one.name) for one in drawings}
    if len(svgs) < len(drawings):
        raise ValueError(f"each figure needs a name of its own, received {[one.name for one in drawings]}.")
    return _Drawn(svgs, {one.name: style.to_png(one.drawing) for one in drawings})


def _csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _folders(section: Section) -> dict[str, str]:
    """A link to each folder of single pictures, with how many there are: ``ambiguous/ (10 pictures)``."""
    counts: dict[str, int] = {}
    for name in section.pictures:
        counts[f"{Path(name).parent.as_posix()}/"] = counts.get(f"{Path(name).parent.as_posix()}/", 0) + 1
    return {f"{folder} ({count} {'picture' if count == 1 else 'pictures'})": folder for folder, count in counts.items()}
