"""The files of a report: each whole or not at all, and those of the report before gone when this one stands.

``files.txt`` names what a report wrote, so that nothing else is ever removed: models, predictions and whatever a user
keeps beside them stay.
"""

from __future__ import annotations

from pathlib import Path

from mnistsweep.atomic import atomic_write
from mnistsweep.paths import ReportPaths
from mnistsweep.tensorboard import EventFile


class ReportFolder:
    """A folder that a report is written into.

    Args:
        folder: Made if missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._list = ReportPaths(folder).files  # while a report is made, also what the one before wrote
        self._before = set(self._list.read_text(encoding="utf-8").split("\n")) if self._list.is_file() else set()
        self._now: set[str] = set()
        self._events: EventFile | None = None

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file.

        Args:
            name: Its path below the folder.
            content: Text is written as UTF-8.
        """
        self._note(name)
        with atomic_write(self.folder / name, durable=False) as part:
            part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return self.folder / name

    def show(self, tag: str, png: bytes) -> None:
        """Put a picture into TensorBoard's image tab, in the place of what the report before showed there."""
        if self._events is None:
            self._events = EventFile(self.folder, ".report")
            self._note(self._events.path.name)
            self._events.discard_from(0)
        self._events.add_image(tag, png)

    def finish(self) -> None:
        """Remove what the report before wrote and this one did not."""
        root = self.folder.resolve()
        for name in self._before - self._now - {""}:
            path = root / name
            if path.resolve().is_relative_to(root):
                path.unlink(missing_ok=True)
                if path.parent != root and path.parent.is_dir() and not any(path.parent.iterdir()):
                    path.parent.rmdir()
        with atomic_write(self._list, durable=False) as part:
            part.write_text("".join(f"{name}\n" for name in sorted(self._now)), encoding="utf-8")

    def _note(self, name: str) -> None:
        """Say that a file is the report's before it is there: a report that is killed leaves nothing that stays."""
        self._now.add(name)
        if name not in self._before:
            with self._list.open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
