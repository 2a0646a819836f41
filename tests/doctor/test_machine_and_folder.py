"""What `mnistsweep doctor` finds on this machine and in the folder of the sweeps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnistsweep.doctor import log_folder, machine, packages
from mnistsweep.doctor.findings import Finding, Level

slow = pytest.mark.slow


def only(findings: Iterable[Finding]) -> Finding:
    (found,) = findings
    return found


def by_subject(findings: Iterable[Finding], subject: str) -> list[Finding]:
    return [one for one in findings if one.subject == subject]


def test_the_installed_packages_are_those_that_are_required() -> None:
    found = only(packages.check_packages())
    assert found.level is Level.OK
    assert f"keras {packages.installed_version('keras')}" in found.text


def test_missing_and_wrong_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["no-such-package>=2,<3", "numpy>=99", "rich", "torch>=2; extra == 'gp'"]
    monkeypatch.setattr(packages, "requires", lambda name: wanted)
    missing, wrong = packages.check_packages()
    assert (missing.level, wrong.level) == (Level.FAULT, Level.FAULT)
    assert missing.text == (
        "no-such-package is not installed; required is no-such-package<3,>=2: pip install 'no-such-package<3,>=2'"
    )
    assert wrong.text.startswith(f"numpy is {packages.installed_version('numpy')}; required is numpy>=99")


def test_more_workers_than_cores_or_memory_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.devices, "num_cores", lambda: 2)
    monkeypatch.setattr(machine, "available_bytes", lambda: 2.5e9)
    assert [one.level for one in machine.check_processor(2)] == [Level.OK]
    first, cores, memory = machine.check_processor(3)
    assert "2 cores" in first.text
    assert cores.text == "workers=3 share 2 cores: they slow each other down"
    assert memory.text == "2.5 GB are free for 3 workers; each needs about 1 GB"


def test_gpus_that_the_backend_does_not_see_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    found = only(machine.check_backend())
    assert (found.level, found.subject) == (Level.FAULT, "GPU")
    assert "sees none of 2 GPUs; " in found.text


@slow
def test_a_backend_that_cannot_be_imported_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    found = only(machine.check_backend())
    assert (found.level, found.subject) == (Level.FAULT, "backend")
    assert found.text.startswith("`import keras` fails: ")
    assert "nonsense" in found.text


def test_a_folder_is_tried_out_and_left_as_it_was(tmp_path: Path) -> None:
    logs = tmp_path / "a b" / "logs"
    found = list(log_folder.check_log_folder(str(logs)))
    assert [(one.level, one.subject) for one in found] == [(Level.OK, "logs"), (Level.OK, "logs"), (Level.OK, "locks")]
    assert str(logs) in found[0].text
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    assert all(one.level is Level.OK for one in log_folder.check_log_folder(str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("logs", ["/proc/x", "/dev/null"])
def test_a_folder_that_cannot_be_used_is_a_fault(logs: str) -> None:
    found = only(log_folder.check_log_folder(logs))
    assert found.level is Level.FAULT
    assert found.text.startswith(f"must name a folder that can be written; received '{logs}'")


def test_locks_that_do_not_exclude_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_folder, "exclusive_lock", lambda path: contextlib.nullcontext(path.touch()))
    found = only(log_folder.check_locks(tmp_path))
    assert found.level is Level.FAULT
    assert found.text.startswith("two processes held the same lock at once, so two workers could train one trial")


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("nfs4", "rw,vers=4.2,local_lock=none", []),
        ("nfs4", "rw,vers=4.2,local_lock=all", [(Level.FAULT, "/data is mounted with local_lock=all")]),
        ("nfs", "rw,vers=3,local_lock=flock", [(Level.FAULT, "/data is mounted with local_lock=flock")]),
        ("nfs", "rw,vers=3,nolock", [(Level.FAULT, "/data is mounted with nolock")]),
        ("nfs", "rw,vers=3,local_lock=none", [(Level.NOTE, "/data is NFS 3")]),
        ("ext4", "rw", []),
    ],
)
def test_mount_options_that_hide_locks_are_found(
    monkeypatch: pytest.MonkeyPatch, kind: str, options: str, expected: list[tuple[Level, str]]
) -> None:
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="ext4", opts="rw"),
        SimpleNamespace(mountpoint="/data", fstype=kind, opts=options),
    ]
    monkeypatch.setattr(log_folder.psutil, "disk_partitions", lambda all: mounts)
    found = [(one.level, one.text) for one in log_folder._check_mount(Path("/data/logs"))]
    assert [(level, text[: len(start)]) for (level, text), (_, start) in zip(found, expected, strict=True)] == expected
    assert not list(log_folder._check_mount(Path("/home/logs")))
