from __future__ import annotations

from mnistsweep.errors import TrialFailed, describe_error


def test_a_description_is_one_line() -> None:
    assert describe_error(TrialFailed("loss became nan\n in epoch 2")) == "loss became nan in epoch 2"
    assert describe_error(ValueError("a\n  b")) == "ValueError: a b"
    assert describe_error(MemoryError()) == "MemoryError"
    assert describe_error(RuntimeError("{{node a/b:0}} {{function_node c}} OOM for {x}")) == "RuntimeError: OOM for {x}"
    assert len(describe_error(ValueError("x" * 1000))) == 300
