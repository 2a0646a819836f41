"""Rendering of the page with ``template/page.html``; the page needs no network and no other file."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.records import Block, Interactive
from mnistsweep.html_report.sections.kinds import SUMMARY
from mnistsweep.printable import printable

# Packages with versions that can change the content of the page.
LIBRARIES = ("mnistsweep", "keras", "tensorflow", "optuna", "cleanlab", "scikit-learn", "numpy", "matplotlib", "plotly")


@dataclass(frozen=True)
class RenderedSection:
    """Section in the form that the template needs.

    Attributes:
        name: Anchor of the section.
        title: Heading of the section.
        blocks: Blocks in reading order.
        advice: Recommendations.
        svgs: Figures as SVG elements by their names.
        files: Links to files by their texts.
        failure: Error of a section that failed, ``TypeName: message``; None where it did not.
        traceback: Link to the traceback of the error.
    """

    name: str
    title: str
    blocks: Sequence[Block] = ()
    advice: Sequence[str] = ()
    svgs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    traceback: str | None = None


def render(evidence: Evidence, sections: Sequence[RenderedSection], left_out: Sequence[str] = ()) -> str:
    """Return the HTML of the page.

    Args:
        evidence: Evidence with the name of the sweep, the notes and the commands.
        sections: Sections in reading order.
        left_out: Sentences on sections that do not apply.
    """
    environment = Environment(
        loader=PackageLoader("mnistsweep.html_report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_valid,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["drawing"] = _drawing
    environment.filters["code"] = _code
    environment.filters["minus"] = _with_minus_signs
    return environment.get_template("page.html").render(
        evidence=evidence,
        sections=sections,
        left_out=left_out,
        advice_after=_advice_after(sections),
        library=_library(sections),
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        versions=_versions(),
    )


def _advice_after(sections: Sequence[RenderedSection]) -> str:
    """Return the name of the section that the recommendations follow: the best model, or else the first one."""
    names = [section.name for section in sections]
    return SUMMARY if SUMMARY in names else next(iter(names), "")


def _valid(value: object) -> object:
    """Escape the control characters in a text, which are not valid in HTML; Markup is complete already."""
    return printable(value) if type(value) is str else value


def _with_minus_signs(text: str) -> str:
    """Replace the hyphen before each negative number by a minus sign, as Matplotlib does in the figures."""
    return re.sub(r"(?<![\w.-])-(?=\d)", "\N{MINUS SIGN}", text)


def _code(text: str) -> Markup:
    """Return a sentence as HTML, with the text between backticks as code."""
    parts = printable(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else _with_minus_signs(part) for at, part in enumerate(parts)
    )


def _drawing(svg: str, alt: str) -> Markup:
    """Return an SVG element in a block with its natural width, which the style sheet scales within limits."""
    size = re.match(r'<svg[^>]*viewBox="[\d.]+ [\d.]+ ([\d.]+) ', svg)
    assert size, "figures.style.to_svg makes elements with a viewBox"
    named = Markup('<svg role="img" aria-label="{}"').format(alt) + Markup(svg.removeprefix("<svg"))
    return Markup('<div class="scroll" tabindex="0" style="--width: {:.0f}px">{}</div>').format(float(size[1]), named)


def _library(sections: Sequence[RenderedSection]) -> Markup | None:
    """Return plotly.js (nearly five megabytes) if a block needs it, otherwise None."""
    if not any(isinstance(block, Interactive) for section in sections for block in section.blocks):
        return None
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


def _versions() -> list[str]:
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # variants such as tensorflow-cpu have other names
            continue
    return found
