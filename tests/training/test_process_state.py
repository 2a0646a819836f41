"""The state of the process after users' code has changed it. Whole sweeps: `workers/test_misbehaving_code.py`."""

from __future__ import annotations

import sys

import pytest

from mnistsweep.printable import make_streams_safe
from mnistsweep.redaction import _RedactedStream, redact_output, remember
from mnistsweep.training.process_state import restored_process_state

pytestmark = pytest.mark.usefixtures("no_secrets")

FILE_DESCRIPTORS = {"stdout": 1, "stderr": 2}


@pytest.mark.parametrize("closed", FILE_DESCRIPTORS)
def test_a_closed_stream_is_opened_again_as_it_was(
    closed: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its encoding, and with secrets masked, once: also where the other stream is still open."""
    for name, fd in FILE_DESCRIPTORS.items():
        stream = open(fd, "w", encoding="ascii", buffering=1, closefd=False)  # noqa: SIM115
        monkeypatch.setattr(sys, name, stream)
    make_streams_safe()
    redact_output()
    remember("hunter2")
    for _ in range(3):
        with restored_process_state():
            getattr(sys, closed).close()
    for name in FILE_DESCRIPTORS:
        stream = getattr(sys, name)
        assert isinstance(stream, _RedactedStream)
        assert not isinstance(stream._stream, _RedactedStream)
        print("no hunter2, \xb7", file=stream, flush=True)
    assert tuple(capfd.readouterr()) == ("no ***, \\xb7\n", "no ***, \\xb7\n")
