from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

from mnistsweep import errors
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import TrialFailed


def test_a_description_is_one_line() -> None:
    assert describe_error(TrialFailed("loss became nan\n in epoch 2")) == "loss became nan in epoch 2"
    assert describe_error(ValueError("a\n  b")) == "ValueError: a b"
    assert describe_error(MemoryError()) == "MemoryError: the process ran out of memory"
    assert describe_error(RuntimeError("{{node a/b:0}} {{function_node c}} OOM for {x}")) == "RuntimeError: OOM for {x}"
    assert len(describe_error(ValueError("x" * 1000))) == 300


def test_other_modules_define_no_errors_for_users() -> None:
    package = Path(errors.__file__).parent
    base_names = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)
    }
    base_names |= {name for name, value in vars(errors).items() if isinstance(value, type)}
    found = {
        f"{file.relative_to(package)}: {node.name}"
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and base_names & {base.id for base in node.bases if isinstance(base, ast.Name)}
    }
    elsewhere = {name for name in found if not name.startswith("errors.py: ")}
    elsewhere.remove("forked.py: ProcessDied")  # the planner catches it
    elsewhere.remove("workers/slurm/queue.py: QueueUnavailable")  # each caller catches it
    kinds = ("FileError", "FilesLost", "StudyError", "WriteRefused")
    assert elsewhere == {f"tuner/fatal_errors.py: _Fatal{kind}" for kind in kinds}


def test_the_drawn_tree_is_the_one_that_is_defined() -> None:
    drawn = re.findall(r"^ +(?:[│├└─ ]*)(\w+) {2,}", str(errors.__doc__), re.MULTILINE)
    defined = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert drawn == defined


def test_a_description_has_no_colors_and_no_node_of_tensorflow() -> None:
    error = ValueError("{{function_node a}} Exception \x1b[1mwhen calling\x1b[0m Dropout")
    assert describe_error(error) == "ValueError: Exception when calling Dropout"
