"""Checks of the keys that say how a sweep is started and who is notified of its end."""

from __future__ import annotations

from urllib.parse import urlsplit

from mnistsweep import devices
from mnistsweep.config.schema import Config
from mnistsweep.errors import suggest
from mnistsweep.path_texts import shown
from mnistsweep.text import format_count

JOIN, SKIP, FAIL = "join", "skip", "fail"
"""Values of `if_running`: the workers of a start join the running sweep; it leaves the sweep alone; it is refused."""

SCHEMES = ("http", "https")
"""Schemes of addresses that can be notified."""


def check_start_keys(config: Config) -> list[str]:
    """Check `if_running`, `notify` and `workers_per_gpu`; returns a message for each fault. Nothing is connected.

    The messages do not show the address: it may give access to what it names.

    Args:
        config: Configuration of the sweep.
    """
    faults = []
    if config.if_running not in (JOIN, SKIP, FAIL):
        known = suggest(config.if_running, (JOIN, SKIP, FAIL))
        faults.append(f"if_running: must be join, skip or fail; received {shown(config.if_running)}; {known}.")
    command, url = config.notify.command, config.notify.url
    if command is not None and (not command.strip() or "\0" in command):
        rule = "must be a command for the shell, or null"
        faults.append(f"notify.command: {rule}; received {shown(command)}; notify.command=null runs none.")
    if url is not None and (fault := _url_fault(url)):
        faults.append(
            f"notify.url: must be an http or https address; received one that {fault}; "
            "write https://HOST/PATH, in quotes."
        )
    return faults + _gpu_faults(config)


def num_workers(config: Config) -> int:
    """Number of workers of a start: `workers`, or with `workers_per_gpu` that many for each GPU of this machine.

    Args:
        config: Configuration of the sweep, without a fault of `check_start_keys`.
    """
    if config.workers_per_gpu is None:
        return config.workers
    return config.workers_per_gpu * max(1, len(devices.gpus()))


def _gpu_faults(config: Config) -> list[str]:
    wanted = config.workers_per_gpu
    if wanted is None:
        return []
    if not devices.gpus():
        rule = "must be null on a machine without a GPU (nvidia-smi, CUDA_VISIBLE_DEVICES)"
        return [f"workers_per_gpu: {rule}; received {wanted}; write workers={wanted}."]
    if config.workers not in (1, num_workers(config)):
        rule = f"must not differ from workers_per_gpu={wanted} for each of {format_count(len(devices.gpus()), 'GPU')}"
        return [f"workers: {rule}; received {config.workers}; leave it out."]
    return []


def _url_fault(url: str) -> str | None:
    """What is wrong with an address, as the end of a sentence; None if nothing is."""
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        return "contains a space or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has an invalid host or port"
    if parts.scheme.lower() not in SCHEMES:
        return f"begins with {parts.scheme}:" if parts.scheme else "has no scheme"
    if not parts.hostname or port == 0:
        return "names no host" if not parts.hostname else "has an invalid host or port"
    return None if url.isascii() else "contains letters that must be percent-encoded"
