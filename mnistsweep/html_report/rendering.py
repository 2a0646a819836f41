"""The page as text: records go into ``template/page.html``, which stands alone, with no network and no other file."""

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

# Whose versions can change what the page shows.
LIBRARIES = ("mnistsweep", "keras", "tensorflow", "optuna", "cleanlab", "scikit-learn", "numpy", "matplotlib", "plotly")


@dataclass(frozen=True)
class Shown:
    """A section as it stands on the page.

    Attributes:
        name: Its anchor.
        title: Its heading.
        blocks: In reading order.
        advice: What should be done.
        svgs: Drawings as elements, by the name of their figure.
        files: Links, by what they are called.
        failure: Why there is nothing to show: ``TypeName: message``.
        traceback: Link to where it stands.
    """

    name: str
    title: str
    blocks: Sequence[Block] = ()
    advice: Sequence[str] = ()
    svgs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    traceback: str | None = None


def render(evidence: Evidence, sections: Sequence[Shown]) -> str:
    """Lay a page out.

    Args:
        evidence: Its name, notes and commands.
        sections: In reading order.
    """
    environment = Environment(
        loader=PackageLoader("mnistsweep.html_report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["drawing"] = _drawing
    environment.filters["code"] = _code
    return environment.get_template("page.html").render(
        evidence=evidence,
        sections=sections,
        library=_library(sections),
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        versions=_versions(),
    )


def _code(text: str) -> Markup:
    """A sentence whose keys and commands, between backticks, are set as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _drawing(svg: str, alt: str) -> Markup:
    """A drawing with its natural width, which the style sheet widens and narrows within bounds."""
    size = re.match(r'<svg[^>]*viewBox="[\d.]+ [\d.]+ ([\d.]+) ', svg)
    assert size, "figures.svg makes elements with a viewBox"
    named = Markup('<svg role="img" aria-label="{}"').format(alt) + Markup(svg.removeprefix("<svg"))
    return Markup('<div class="scroll" tabindex="0" style="--width: {:.0f}px">{}</div>').format(float(size[1]), named)


def _library(sections: Sequence[Shown]) -> Markup | None:
    """plotly.js, if something on the page needs it: nearly five megabytes."""
    if not any(isinstance(block, Interactive) for section in sections for block in section.blocks):
        return None
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


def _versions() -> list[str]:
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # tensorflow-cpu and its like have other names
            continue
    return found
