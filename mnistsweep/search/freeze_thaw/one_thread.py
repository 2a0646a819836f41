"""Linear algebra with one thread: for matrices of this size more threads are slower, and round differently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import scipy.linalg  # noqa: F401  # loads the libraries that are to be limited
from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit NumPy and SciPy to one thread while a decision is computed.

    The order of floating-point sums, and with it a close decision, would otherwise depend on the number of cores.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
