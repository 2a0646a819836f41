from __future__ import annotations

import dataclasses
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from evidence import make_evidence

from mnistsweep.analysis.score import Score
from mnistsweep.html_report import page
from mnistsweep.html_report.figures import mosaic, style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.page import PageResult
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Formulas, Interactive, Section, Table, Text
from mnistsweep.html_report.sections import SECTIONS, Analysis

EVIDENCE = make_evidence(examples=40)
LIVE = '<div id="live"></div><script>document.getElementById("live").className = "js-plotly-plot"</script>'


def line(name: str) -> Figure:
    with style.applied():
        drawing, (axes,) = style.new_figure()
        axes.plot([1, 2, 3])
    return Figure(name, drawing, "It rises <steadily>.", 'A "line".')


def full(name: str = "full") -> Section:
    """A block of each kind."""
    blocks: list[Block] = [
        Text("One < two & three."),
        Facts([Fact("test accuracy", "99.21 %", "99.02 to 99.37 %"), Fact("seeds", "3")]),
        Table(["class", "recall"], [["4", "98.1 %"]], "Fours are hardest.", numbers=["recall"]),
        line(f"{name}-line"),
        Interactive(LIVE, line(f"{name}-live")),
        Formulas("Scores", [Score("entropy", "-sum p log p", "Shannon, 1948", "0 to log K", "larger is worse")]),
    ]
    table = pd.DataFrame({"index": [4, 2], "score": [0.5, 0.25]})
    return Section(blocks, ["Look at 4 <again>."], {f"{name}.csv": table}, {f"{name}/01.png": line("one").drawing})


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Register a section of one's own: its name, and what its function does."""

    def register(name: str, make) -> Analysis:  # type: ignore[no-untyped-def]
        module = ModuleType(f"section_{name}")
        module.section = make  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Analysis(name, f"About {name}", module.__name__)

    return register


def broken(evidence: ClassEvidence) -> Section:
    raise ValueError("shapes  disagree:\n(3,) & <4>")


def test_negative_numbers_have_a_minus_sign(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table = Table(["name", "change"], [["cnn-2", "-0.25 (-1.50 to +1.00)"], ["-3", "2e-05"]], "R2 is -4.", ["change"])
    blocks = [Text("Set `x=-1` in trial-0007 of 2026-11-26."), Facts([Fact("R2", "-0.5", "95 %: -1 to 2")]), table]
    page.make(EVIDENCE, tmp_path, [analysis("minus", lambda _: Section(blocks))])
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    for text in (
        "<td>cnn-2</td>", ">−0.25 (−1.50 to +1.00)<", "<td>-3</td>", ">2e-05<", "R2 is −4.", "<code>x=-1</code>",
        "trial-0007 of 2026-11-26.", "<strong>−0.5</strong>", "95 %: −1 to 2",
    ):  # fmt: skip
        assert text in html


def test_a_page_of_every_kind_of_block(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    titles: list[str] = []
    evidence = dataclasses.replace(EVIDENCE, name="quick <start>", notes=["A file is missing."])
    made = page.make(evidence, tmp_path, [analysis("full", lambda _: full())], titles.append)
    html = made.index.read_text(encoding="utf-8")
    assert (made.index, made.failed, list(made.seconds), titles) == (
        tmp_path / "index.html", {}, ["full"], ["About full"],
    )  # fmt: skip
    assert '<html lang="en">' in html
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    assert "<title>quick &lt;start&gt;: sweep report</title>" in html
    assert "A file is missing." in html
    assert '<li>Look at 4 &lt;again&gt;. <a href="#full">About full</a></li>' in html
    for text in ("One &lt; two &amp; three.", "99.02 to 99.37 %", "Fours are hardest.", "It rises &lt;steadily&gt;."):
        assert text in html
    assert '<th scope="col">class</th><th scope="col" class="number">recall</th>' in html
    assert '<td>4</td><td class="number">98.1 %</td>' in html
    assert html.count('<svg role="img" aria-label="A &#34;line&#34;."') == 2
    assert LIVE in html
    assert "<code>-sum p log p</code>Range: 0 to log K; larger is worse. <cite>Shannon, 1948</cite>" in html
    assert "mnistsweep sweep search\nmnistsweep report logs/search</pre>" in html
    assert (tmp_path / "full.csv").read_text() == "index,score\n4,0.5\n2,0.25\n"
    for name in ("full-line.png", "full-live.png", "full/01.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    linked = re.findall(r'href="([^"#:]+)"', html)
    assert sorted(linked) == ["full-line.png", "full-live.png", "full.csv", "full/"]
    ids = re.findall(r'\bid="([^"]+)"', html.split("plotly.js v")[0])
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_plotly_is_embedded_once_and_only_where_it_is_needed(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    both = [analysis("one", lambda _: full("one")), analysis("two", lambda _: full("two"))]
    assert page.make(EVIDENCE, tmp_path, both).index.read_text(encoding="utf-8").count("plotly.js v") == 1
    still = analysis("still", lambda _: Section([line("still")]))
    assert len(page.make(EVIDENCE, tmp_path, [still]).index.read_bytes()) < 100_000


def test_a_section_that_fails_says_why(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sections = [analysis("broken", broken), analysis("full", lambda _: full()), analysis("none", lambda _: None)]
    made = page.make(EVIDENCE, tmp_path, sections)
    html = made.index.read_text(encoding="utf-8")
    assert made.failed == {"broken": "ValueError: shapes disagree: (3,) & <4>"}
    assert "This section failed with an error: <code>ValueError: shapes disagree: (3,) &amp; &lt;4&gt;</code>" in html
    assert '<a href="errors/broken.txt">errors/broken.txt</a>' in html
    assert "in broken\n    raise ValueError" in (tmp_path / "errors" / "broken.txt").read_text(encoding="utf-8")
    assert "99.21 %" in html
    assert "About none" not in html


def test_a_module_that_is_not_there_is_a_section_that_fails(tmp_path: Path) -> None:
    made = page.make(EVIDENCE, tmp_path, [Analysis("x", "X", "mnistsweep.html_report.sections.nosuch")])
    assert made.failed == {"x": "ModuleNotFoundError: No module named 'mnistsweep.html_report.sections.nosuch'"}


def test_a_name_is_taken_once(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    made = page.make(EVIDENCE, tmp_path, [analysis("one", lambda _: full()), analysis("two", lambda _: full())])
    reason = "ValueError: the name 'full-line.png' is taken by the section 'one'; choose another."
    assert made.failed == {"two": reason}
    twice = analysis("twice", lambda _: Section([line("a"), line("a")]))
    assert "['a', 'a']" in page.make(EVIDENCE, tmp_path, [twice]).failed["twice"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stop_is_not_a_failure(analysis, stop: type[BaseException], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def stopped(evidence: ClassEvidence) -> Section:
        raise stop

    with pytest.raises(stop):
        page.make(EVIDENCE, tmp_path, [analysis("stopped", stopped)])


def test_only_what_an_earlier_report_wrote_is_removed(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    kept = [
        tmp_path / name for name in ("models/a.keras", "images/00001.png", "notes.csv", "report.json", "full/own.txt")
    ]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("kept")
    sections = [analysis("broken", broken), analysis("full", lambda _: full())]
    page.make(EVIDENCE, tmp_path, sections)
    (tmp_path.parent / "outside.txt").write_text("kept")
    with (tmp_path / "files.txt").open("a") as file:
        file.write("../outside.txt\nhalf-made.png\n")
    (tmp_path / "half-made.png").write_text("of a report that was killed")
    page.make(EVIDENCE, tmp_path, [analysis("other", lambda _: Section([line("other")]))])
    (events,) = tmp_path.glob("events.*")
    left = {path for path in tmp_path.rglob("*") if path.is_file()} - set(kept)
    assert {path.name for path in left} == {"index.html", "other.png", events.name, "files.txt"}
    assert all(path.read_text() == "kept" for path in [*kept, tmp_path.parent / "outside.txt"])
    assert not (tmp_path / "errors").exists()
    assert (tmp_path / "files.txt").read_text().split() == sorted(["index.html", "other.png", events.name])


def test_every_analysis_that_is_registered_is_there() -> None:
    assert len({analysis.name for analysis in SECTIONS}) == len(SECTIONS)
    assert all(find_spec(analysis.module) for analysis in SECTIONS)


def test_contributing_shows_how_to_add_an_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it shows is done word for word: the file is written, the line evaluated."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paragraph = text[text.index("**An analysis.**") :]
    (code, entry) = re.findall(r"```python\n(.*?)```", paragraph, flags=re.DOTALL)[:2]
    (tmp_path / "confident.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (added,) = eval(f"[{entry}]", {"Analysis": Analysis, "__name__": "x"})
    made = page.make(EVIDENCE, tmp_path / "report", [dataclasses.replace(added, module="confident")])
    html = made.index.read_text(encoding="utf-8")
    mean = EVIDENCE.committee.max(axis=1).mean()
    assert made.failed == {}
    assert added.module == "x.confident"
    assert f"<strong>{100 * mean:.2f} %</strong>" in html


def test_class_names_of_any_kind(whole_page: PageResult) -> None:
    """Long ones are files' names too; dollars are no mathematics; brackets are no HTML."""
    assert whole_page.failed == {}
    html = whole_page.index.read_text(encoding="utf-8")
    assert "&lt;b&gt;bold" in html
    assert "<b>bold" not in html
    assert len(list((whole_page.index.parent / "suspects").iterdir())) == 10


def test_dollars_in_a_title_are_no_mathematics() -> None:
    drawing = mosaic.draw_single(np.zeros((8, 8)), r"US$\1 or US$\2")
    assert r"US$\1 or US$\2" in style.to_svg(drawing, "title")


def test_control_characters_of_users_are_not_in_the_page(analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text = "a\x00\x1b[31m\x9b\u202eb\ud800<c>"
    section = Section([Text(text), Facts([Fact(text, text)]), Table([text], [[text]], text)])
    html = page.make(EVIDENCE, tmp_path, [analysis("odd", lambda _: section)]).index.read_text(encoding="utf-8")
    assert html.count(r"a\x00\x1b[31m\x9b\u202eb\ud800&lt;c&gt;") == 6
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)
