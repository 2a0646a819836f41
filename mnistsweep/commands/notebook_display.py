"""A display in the output cell of a notebook that is replaced while a command runs; it needs no widgets."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from rich.console import RenderableType

from mnistsweep.console import NOTEBOOK_WIDTH, SafeConsole
from mnistsweep.repeating_thread import RepeatingThread

REFRESH_SECONDS = 1.0

_FORMAT = '<pre style="white-space:pre;overflow-x:auto;line-height:normal">{code}</pre>'


class NotebookDisplay:
    """Shows what a function renders, and renders it again every second until it is stopped.

    The last content stays in the saved notebook.

    Args:
        render: Function that returns the content; it is called on another thread.
    """

    def __init__(self, render: Callable[[], RenderableType]) -> None:
        self._render = render
        self._handle: Any = None
        self._shown: dict[str, str] = {}
        self._thread = RepeatingThread("notebook display", REFRESH_SECONDS, self._update)

    def start(self) -> None:
        """Show the content for the first time."""
        from IPython.display import display

        self._shown = as_bundle(self._render())
        self._handle = display(self._shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._thread.start()

    def stop(self, last: RenderableType) -> None:
        """Show the last content.

        Args:
            last: What stays in the cell.
        """
        self._thread.stop()
        self._replace(as_bundle(last))

    def _update(self) -> None:
        self._replace(as_bundle(self._render()))

    def _replace(self, bundle: dict[str, str]) -> None:
        if bundle != self._shown:
            self._shown = bundle
            self._handle.update(bundle, raw=True)


def as_bundle(content: RenderableType) -> dict[str, str]:
    """Render a table or a text as HTML, and as plain text without control sequences, by their media types.

    Args:
        content: What Rich can render.

    Example:
        >>> as_bundle("<b>")["text/html"]
        '<pre style="white-space:pre;overflow-x:auto;line-height:normal">&lt;b&gt;\\n</pre>'
    """
    console = SafeConsole(file=io.StringIO(), record=True, width=NOTEBOOK_WIDTH)
    console.print(content)
    html = console.export_html(code_format=_FORMAT, inline_styles=True, clear=False)
    return {"text/html": html, "text/plain": console.export_text()}
