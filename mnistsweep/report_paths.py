"""Names of the files that `mnistsweep report` and `mnistsweep clean` write to their folders; `paths` shows where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReportPaths:
    """Paths of the files of a report in its folder, which need not exist."""

    folder: Path

    @property
    def page(self) -> Path:
        """HTML page."""
        return self.folder / "index.html"

    @property
    def lock(self) -> Path:
        """Lock file that is locked while a report is made."""
        return self.folder / "report.lock"

    @property
    def record(self) -> Path:
        """Names of the models that the page describes."""
        return self.folder / "report.json"

    @property
    def files(self) -> Path:
        """List of the page's files, one a line; the next report removes those that it does not write again."""
        return self.folder / "files.txt"

    def error(self, section: str) -> Path:
        """Traceback of a section that failed, by the section's name."""
        return self.folder / "errors" / f"{section}.txt"

    @property
    def models(self) -> Path:
        """Folder of the models that were trained for the report."""
        return self.folder / "models"

    def model(self, name: str) -> Path:
        """Model that was trained for the report, by its name, or its weights (`saved_model`)."""
        return self.models / f"{name}.keras"

    @property
    def all_predictions(self) -> Path:
        """Folder of the predictions of the report's models."""
        return self.folder / "predictions"

    def predictions(self, name: str) -> Path:
        """Predictions of a model for the test set, by the model's name."""
        return self.all_predictions / f"{name}.npz"

    def image(self, index: int) -> Path:
        """Figure of one test image beside its class probabilities, by the image's index in the test set."""
        return self.folder / "images" / f"{index:05d}.png"


@dataclass(frozen=True)
class CleanPaths:
    """Paths of the files of the label-cleaning experiment in its folder, which need not exist."""

    folder: Path

    @property
    def folds(self) -> Path:
        """Out-of-fold predictions for the training set: each image is predicted by models not trained on it."""
        return self.folder / "folds.npz"

    @property
    def suspects(self) -> Path:
        """Table of suspected labels, the most suspect first."""
        return self.folder / "suspects.csv"

    @property
    def images(self) -> Path:
        """Images of the most suspect labels, for image data."""
        return self.folder / "suspects.npz"

    @property
    def runs(self) -> Path:
        """Table of scores, one row for each arm and seed."""
        return self.folder / "runs.csv"

    @property
    def summary(self) -> Path:
        """Summary of the experiment, written when it is complete."""
        return self.folder / "summary.json"

    @property
    def lock(self) -> Path:
        """Lock file that is locked while the experiment runs."""
        return self.folder / "experiment.lock"
