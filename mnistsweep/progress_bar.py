"""Progress of a command: a bar on a terminal, one printed line a step elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


class StepProgress:
    """Context manager that shows the current step of a command and the share of work that is done.

    Args:
        console: Console for the bar or the lines.
        total: Total number of units of work.

    Example:
        >>> with StepProgress(Console(force_terminal=False), total=2) as steps:
        ...     steps.start_step("reading")
        ...     steps.advance(2)
        reading
    """

    def __init__(self, console: Console, total: float) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> StepProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start_step(self, title: str) -> None:
        """Show the title of the step that starts now."""
        self._progress.update(self._task, description=title)
        if not self._console.is_terminal:
            self._console.print(title, highlight=False, markup=False, soft_wrap=True)

    def advance(self, units: float = 1.0) -> None:
        """Add finished units of work."""
        self._progress.advance(self._task, units)
