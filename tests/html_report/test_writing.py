from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.writing import ReportFolder
from mnistsweep.tensorboard import EventFile


def picture(width: float) -> bytes:
    with style.applied():
        return style.to_png(style.new_figure(width=width, height=1.0)[0])


def test_a_picture_is_read_back_by_tensorboard(tmp_path: Path) -> None:
    content = picture(2.0)
    EventFile(tmp_path).add_image("mistakes/confusion", content, step=4)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    (shown,) = events.Images("mistakes/confusion")
    assert (shown.step, shown.width, shown.height) == (4, 220, 110)
    assert shown.encoded_image_string == content


def test_the_image_tab_has_it(tmp_path: Path) -> None:
    """As TensorBoard's own server reads it, which turns old summaries into tensors."""
    EventFile(tmp_path / "report").add_image("mistakes/confusion", picture(2.0))
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    assert multiplexer.PluginRunToTagToContent("images").keys() == {"report"}
    (event,) = multiplexer.Tensors("report", "mistakes/confusion")
    width, height, *pictures = event.tensor_proto.string_val
    assert (width, height, pictures) == (b"220", b"110", [picture(2.0)])


def test_a_second_report_takes_the_place_of_the_first(tmp_path: Path) -> None:
    events = EventAccumulator(str(tmp_path))
    for width in (2.0, 3.0):
        folder = ReportFolder(tmp_path)
        folder.add_image("a/b", picture(width))
        if width == 2.0:
            folder.add_image("a/gone", picture(width))
        folder.finish()
        assert len(list(tmp_path.glob("events.*"))) == 1
        events.Reload()  # a TensorBoard that runs all the while
        assert [shown.width for shown in events.Images("a/b")] == [width * 110]


def test_another_run_s_events_stay(tmp_path: Path) -> None:
    EventFile(tmp_path).add_scalars({"loss": 1.0}, 1)
    for _ in range(2):
        folder = ReportFolder(tmp_path)
        folder.add_image("a/b", picture(1.0))
        folder.finish()
    assert len(list(tmp_path.glob("events.*"))) == 2
