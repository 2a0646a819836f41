"""Installed packages: whether each one that mnistsweep requires is there, in a version that it was tested with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from mnistsweep.doctor.findings import Finding, fault, ok

SHOWN = ("keras", "tensorflow", "keras-tuner", "optuna", "hydra-core", "tensorboard", "numpy", "pandas")
"""Packages of which the version is printed."""


def installed_version(package: str) -> str | None:
    """Version of an installed package; None if it is not installed.

    Args:
        package: Name of the distribution.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Versions of this package and of those that decide how a trial ends, by name."""
    found = {name: installed_version(name) for name in ("mnistsweep", *SHOWN)}
    return {name: one for name, one in found.items() if one is not None}


def check_packages() -> Iterator[Finding]:
    """Compare the installed packages with the requirements of mnistsweep."""
    wrong = 0
    for requirement in map(Requirement, requires("mnistsweep") or []):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = installed_version(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            wrong += 1
            state = "is not installed" if found is None else f"is {found}"
            yield fault(
                "packages", f"{requirement.name} {state}; required is {requirement}: pip install '{requirement}'"
            )
    if not wrong:
        yield ok("packages", ", ".join(f"{name} {one}" for name, one in versions().items() if name != "mnistsweep"))
