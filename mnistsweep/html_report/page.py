"""Creation of the report page: runs the sections, draws their figures and writes all files."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistsweep.error_descriptions import describe_error
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.records import Figure, Interactive, Section
from mnistsweep.html_report.rendering import RenderedSection, render
from mnistsweep.html_report.sections import Analysis, left_out, sections_of
from mnistsweep.html_report.writing import ReportFolder
from mnistsweep.report_paths import ReportPaths
from mnistsweep.text import format_count
from mnistsweep.user_code import format_traceback

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PageResult:
    """Result of the creation of a page.

    Attributes:
        index: Path of the page.
        failed: Errors of the sections that failed, ``TypeName: message``, by the name of the section.
        seconds: Duration of each section, drawing included, by its name.
    """

    index: Path
    failed: Mapping[str, str]
    seconds: Mapping[str, float]


def make(
    evidence: Evidence,
    folder: Path,
    sections: Sequence[Analysis] | None = None,
    on_section: Callable[[str], None] = lambda title: None,
    on_done: Callable[[], None] = lambda: None,
) -> PageResult:
    """Create the page and the files that it links to.

    The files are ``index.html``, a PNG of each figure, the sections' CSV files and pictures, ``errors/NAME.txt`` for a
    section that failed, an event file with all figures for TensorBoard's image tab, and ``files.txt``, which lists all
    of them. Files of an earlier report that this one does not write are removed; other files are not changed.

    Args:
        evidence: Input of the sections.
        folder: Folder of the report.
        sections: Analyses in reading order; None: those of the kind of target (`sections.sections_of`).
        on_section: Function that is called with the title of each section of the page before its figures are drawn.
        on_done: Function that is called after each analysis, with or without a section of the page.

    Raises:
        OSError: A file cannot be written. An exception in a section is shown on the page instead.
    """
    target, owners = ReportFolder(folder), _FileOwners()
    shown: list[RenderedSection] = []
    seconds: dict[str, float] = {}
    for analysis in sections_of(evidence) if sections is None else sections:
        started = time.perf_counter()
        section = _make_section(analysis, evidence, owners, target, on_section)
        seconds[analysis.name] = time.perf_counter() - started
        if section is not None:
            shown.append(section)
        on_done()
    target.write(ReportPaths(folder).page.name, render(evidence, shown, left_out(evidence)))
    target.finish()
    failed = {section.name: section.failure for section in shown if section.failure is not None}
    return PageResult(ReportPaths(folder).page, failed, seconds)


class _FileOwners:
    """Section that writes each file, so that no two sections overwrite each other's files."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def claim(self, names: Sequence[str], owner: str) -> None:
        for name in names:
            if name in self._owners:
                raise ValueError(f"the name {name!r} is taken by the section {self._owners[name]!r}; choose another.")
            self._owners[name] = owner


def _make_section(
    analysis: Analysis,
    evidence: Evidence,
    owners: _FileOwners,
    target: ReportFolder,
    on_section: Callable[[str], None],
) -> RenderedSection | None:
    """Run one section and write its files; return None where the section has nothing to show."""
    try:
        section = analysis.section(evidence)
        if section is None:
            return None
        on_section(analysis.title)
        drawn = _draw(section)
        files = drawn.files(section)
        owners.claim(list(files), analysis.name)
    except Exception as error:
        path = ReportPaths(target.folder).error(analysis.name).relative_to(target.folder).as_posix()
        target.write(path, format_traceback(error))
        return RenderedSection(analysis.name, analysis.title, failure=describe_error(error), traceback=path)
    for name, content in files.items():
        target.write(name, content)
    for name, png in drawn.pngs.items():
        target.add_image(f"{analysis.name}/{name}", png)
    links = {name: name for name in section.files} | _folders(section)
    return RenderedSection(analysis.name, analysis.title, section.blocks, section.advice, drawn.svgs, links)


@dataclass(frozen=True)
class _Drawn:
    """Figures of a section as SVG elements and as PNG files, by the names of the figures."""

    svgs: Mapping[str, str]
    pngs: Mapping[str, bytes]

    def files(self, section: Section) -> dict[str, str | bytes]:
        """Return the contents of all files of a section by their paths: figures, tables, single pictures."""
        files: dict[str, str | bytes] = {f"{name}.png": png for name, png in self.pngs.items()}
        files |= {name: _csv(table) for name, table in section.files.items()}
        return files | {name: style.to_png(picture) for name, picture in section.pictures.items()}


def _draw(section: Section) -> _Drawn:
    found = [block.figure if isinstance(block, Interactive) else block for block in section.blocks]
    drawings = [block for block in found if isinstance(block, Figure)]
    svgs = {one.name: style.to_svg(one.drawing, one.name) for one in drawings}
    if len(svgs) < len(drawings):
        raise ValueError(f"each figure of a section needs a different name, received {[one.name for one in drawings]}.")
    return _Drawn(svgs, {one.name: style.to_png(one.drawing) for one in drawings})


def _csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _folders(section: Section) -> dict[str, str]:
    """Return a link to each folder of single pictures by its text: ``ambiguous/ (10 pictures)``."""
    counts: dict[str, int] = {}
    for name in section.pictures:
        counts[f"{Path(name).parent.as_posix()}/"] = counts.get(f"{Path(name).parent.as_posix()}/", 0) + 1
    return {f"{folder} ({format_count(count, 'picture')})": folder for folder, count in counts.items()}
