"""The steps in which a worker stops on request, and their times.

A request to stop is a signal (SIGINT, SIGTERM), `mnistsweep stop`, or the exit of the process that started a worker.
A worker that is asked to stop does so in these steps:

1. `StopSignal` records the request, and the worker marks its heartbeats (`Lease.announce_stop`): however its process
   ends from then on, the end does not count as a crash of its trial.
2. The training stops at its next batch, and the worker releases its trial.
3. A training that has not stopped after `unresponsive_seconds()`, because one compiled batch takes longer, is ended by
   the worker's own `Watchdog`, which releases the trial first.
4. A worker that still runs after `grace_seconds()` is killed by its supervisor, which then removes the worker's
   heartbeat. This covers a worker that could do none of the above, for example because native code holds Python's
   global interpreter lock.
"""

from __future__ import annotations

import contextlib
import math
import os

from mnistsweep.errors import ConfigError
from mnistsweep.study.leases import MAX_HEARTBEAT_SECONDS

DEFAULT_UNRESPONSIVE_SECONDS = 7.0
"""Time that a training has to stop: less than the 10 s after which Docker kills a container that it asked to stop."""

UNRESPONSIVE_VARIABLE = "MNISTSWEEP_UNRESPONSIVE_SECONDS"
"""Environment variable that replaces the default above: to wait for longer batches, or to keep a test short."""

RELEASE_SECONDS = 3.0
"""Time that the watchdog has to release the trial: other workers may hold the ledger lock for a while."""


def unresponsive_seconds() -> float:
    """Time after a request to stop, in seconds, after which the watchdog ends a worker that still trains.

    Raises:
        ConfigError: The environment variable holds no positive number.
    """
    text = os.environ.get(UNRESPONSIVE_VARIABLE, str(DEFAULT_UNRESPONSIVE_SECONDS))
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < math.inf:
            return seconds
    raise ConfigError(f"{UNRESPONSIVE_VARIABLE}: must be a positive number of seconds; received {text!r}.")


def grace_seconds() -> float:
    """Time after a request to stop, in seconds, after which a supervisor kills a worker.

    It is longer than the watchdog needs, which makes its checks at least every `MAX_HEARTBEAT_SECONDS`.

    Raises:
        ConfigError: The environment variable of `unresponsive_seconds` holds no positive number.
    """
    return unresponsive_seconds() + MAX_HEARTBEAT_SECONDS + RELEASE_SECONDS
