"""The console of the commands: what it prints is safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from mnistsweep.printable import printable

# Width of tables in a notebook, in characters.
NOTEBOOK_WIDTH = 115


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return Console().is_jupyter


class SafeConsole(Console):
    """A console that prints texts as they are, except that it escapes their control characters.

    Names, values, paths and reasons of failed trials come from users' code and files: brackets and colons in them are
    neither markup nor emojis. Control sequences of Rich itself (the live table, the progress bar) are not changed.

    In a notebook it prints plain lines to the standard output, which the front end keeps together. Rich would send each
    line as a display of its own, with control sequences in its plain text.

    Args:
        options: Arguments of Rich's `Console`, for example ``force_terminal=True``.

    Example:
        >>> SafeConsole().print("[bold] \\x1b[2J")
        [bold] \\x1b[2J
    """

    def __init__(self, **options: Any) -> None:
        if in_notebook():
            # The kernel sets FORCE_COLOR, by which Rich takes it for a terminal on which it can move the cursor.
            options = {"width": NOTEBOOK_WIDTH, "force_jupyter": False, "force_terminal": False, **options}
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text of a string, such as a table cell; it is escaped before it is laid out."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render an object; all output of the console passes through this method."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
