"""Rights of the test's process: a superuser may do everything, so that no test of permissions would fail."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

# Linux's capabilities that override the permissions of files: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
_OVERRIDES = 0b110

_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextlib.contextmanager
def ordinary_rights() -> Iterator[None]:
    """Let the permissions of files apply to this thread, also where a superuser runs the tests."""
    if os.geteuid() != 0:
        yield
        return
    header, data = _Header(_VERSION_3, 0), (_Data * 2)()
    _call("capget", header, data)
    before = data[0].effective
    data[0].effective = before & ~_OVERRIDES
    _call("capset", header, data)
    try:
        yield
    finally:
        data[0].effective = before
        _call("capset", header, data)


def _call(name: str, header: _Header, data: ctypes.Array[_Data]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(ctypes.byref(header), data) != 0:
        raise OSError(ctypes.get_errno(), name)
