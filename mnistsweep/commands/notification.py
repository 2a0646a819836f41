"""Notification of the end of a sweep: the document of `mnistsweep status --json` for a command and for an address.

A notification that fails is one line. It changes neither the result nor the exit code, and takes at most
`notify.timeout_seconds`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from rich.console import Console

from mnistsweep.commands.live_table import INTERRUPTED
from mnistsweep.commands.posting import post
from mnistsweep.commands.shell_command import run_shell
from mnistsweep.commands.status_document import COMPLETE, FAILED, Snapshot, document_text, status_document
from mnistsweep.errors import MnistSweepError, SweepUnfinished
from mnistsweep.planning.plan import Plan
from mnistsweep.printable import message_of
from mnistsweep.redaction import VARIABLE_PREFIX, mask
from mnistsweep.study.records import STOPPED

CTRL_C = 130
"""Exit code of a sweep that was interrupted by Ctrl-C: whoever pressed it needs no notification."""


def notifying(plan: Plan, console: Console, run: Callable[[], int]) -> int:
    """Run a sweep, then notify of its end, as the configuration says.

    Args:
        plan: Plan of the sweep.
        console: Console for the lines about notifications that fail.
        run: Function that runs the sweep and returns its exit code.

    Returns:
        Exit code of the sweep.

    Raises:
        MnistSweepError: What the sweep has raised.
    """
    try:
        code = run()
    except MnistSweepError as error:
        _notify(plan, console, error.exit_code, error)
        raise
    _notify(plan, console, code, None)
    return code


def _notify(plan: Plan, console: Console, code: int, error: MnistSweepError | None) -> None:
    """Notify of the end of a sweep; nothing is raised, because the sweep has ended already."""
    notify = plan.config.notify
    if code == CTRL_C or (notify.command is None and notify.url is None):
        return
    faults: list[str] = []
    try:
        document = _document(plan, code, error)
        if document is not None:
            faults = _send(plan, document_text(document), {
                "MNISTSWEEP_NAME": str(document["name"]),
                "MNISTSWEEP_FOLDER": str(document["folder"]),
                "MNISTSWEEP_STATE": str(document["state"]),
                "MNISTSWEEP_EXIT_CODE": str(code),
            })  # fmt: skip
    except KeyboardInterrupt:
        faults.append("notify: interrupted")
    except Exception as fault:  # whatever it is, the sweep has its result
        faults.append(f"notify: {type(fault).__name__}: {message_of(fault)}")
    for line in faults:
        named = f"{plan.key_prefix}{line.replace('notify.', 'notify_')}" if plan.key_prefix else line
        text = " ".join(mask(f"warning: {named}").split())
        console.print(f"{text}; the sweep is not affected.", soft_wrap=True)


def _document(plan: Plan, code: int, error: MnistSweepError | None) -> dict[str, object] | None:
    """What is sent; None if the workers of another start still run: that one notifies, because it ends later."""
    reason = "" if error is None else mask(message_of(error))
    try:
        snapshot = Snapshot.read(plan, max_seconds=plan.config.notify.timeout_seconds)
    except (MnistSweepError, OSError):  # the ledger may be what ended the sweep
        return status_document(plan, None, FAILED, reason, code)
    if snapshot.workers and error is None and code == 0:
        return None
    if error is not None:
        state = INTERRUPTED if isinstance(error, SweepUnfinished) else FAILED
    elif code == 0:
        state = COMPLETE
    else:
        state = STOPPED if snapshot.ending is not None and snapshot.ending.is_request else INTERRUPTED
    return status_document(plan, snapshot, state, reason, code)


def _send(plan: Plan, text: str, variables: dict[str, str]) -> list[str]:
    """Send a document to the address and to the command at once; a line for each that failed."""
    notify, faults = plan.config.notify, list[str]()
    deadline = time.monotonic() + notify.timeout_seconds
    posted: list[str | None] = []

    def deliver(url: str) -> None:
        posted.append(post(url, text, deadline))

    thread = None
    if notify.url is not None:
        # A daemon: a name server or a host that does not answer must not keep the process.
        thread = threading.Thread(target=deliver, args=(notify.url,), name="notification", daemon=True)
        thread.start()
    if notify.command is not None:
        hidden = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLE_PREFIX)}
        fault = run_shell(notify.command, text, {**hidden, **variables}, deadline)
        faults += [f"notify.command: {fault}"] if fault else []
    if thread is not None:
        thread.join(max(0.0, deadline - time.monotonic()))
        late = f"no answer within {notify.timeout_seconds:g} s (notify.timeout_seconds)"
        faults += [f"notify.url: {fault}" for fault in posted or [late] if fault]
    return faults
