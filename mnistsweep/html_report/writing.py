"""Files of a report: each is written atomically, and the files of the previous report are removed at the end.

``files.txt`` lists the files that a report wrote, and only these are removed: models, predictions and files of the user
in the same folder are kept.
"""

from __future__ import annotations

from pathlib import Path

from mnistsweep.atomic import atomic_write
from mnistsweep.report_paths import ReportPaths
from mnistsweep.tensorboard import EventFile


class ReportFolder:
    """Folder of a report, which is written file by file.

    Args:
        folder: Path of the folder, which is created if missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._list = ReportPaths(folder).files  # until `finish`, it also lists the files of the previous report
        self._previous = set(self._list.read_text(encoding="utf-8").split("\n")) if self._list.is_file() else set()
        self._written: set[str] = set()
        self._events: EventFile | None = None

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file and return its path.

        Args:
            name: Path of the file relative to the folder.
            content: Content of the file; text is encoded as UTF-8.
        """
        self._register(name)
        with atomic_write(self.folder / name, durable=False) as part:
            part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return self.folder / name

    def add_image(self, tag: str, png: bytes) -> None:
        """Add an image to TensorBoard's image tab; the images of the previous report are replaced."""
        if self._events is None:
            self._events = EventFile(self.folder, ".report")
            self._register(self._events.path.name)
            self._events.discard_from(0)
        self._events.add_image(tag, png)

    def finish(self) -> None:
        """Remove the files that the previous report wrote and this one did not."""
        root = self.folder.resolve()
        for name in self._previous - self._written - {""}:
            path = root / name
            if path.resolve().is_relative_to(root):
                path.unlink(missing_ok=True)
                if path.parent != root and path.parent.is_dir() and not any(path.parent.iterdir()):
                    path.parent.rmdir()
        with atomic_write(self._list, durable=False) as part:
            part.write_text("".join(f"{name}\n" for name in sorted(self._written)), encoding="utf-8")

    def _register(self, name: str) -> None:
        """List a file before it is written, so that the next report removes the files of a report that was killed."""
        self._written.add(name)
        if name not in self._previous:
            with self._list.open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
