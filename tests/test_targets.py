"""Dotted paths: checked without an import, imported, called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mnistsweep import target_source, targets
from mnistsweep.errors import ConfigError

NETS = """
from os import path as where
if where:
    late = 3
class Net:
    @staticmethod
    def make():
        return 7
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package in a working directory with a space and an accent, as the console script sees it."""
    home = tmp_path / "mes modèles é"
    name = f"package_{tmp_path.name.replace('-', '_')}"
    (home / name).mkdir(parents=True)
    files = {
        "__init__": "",
        "nets": NETS,
        "broken": "def half(:\n",
        "raises": "raise RuntimeError('no device')\ndef net(): pass\n",
        "needs": "import a_missing_dependency\ndef net(): pass\n",
        "dynamic": "globals()['made'] = 5\ndef __getattr__(name): raise AttributeError(name)\n",
    }
    for stem, text in files.items():
        (home / name / f"{stem}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return name


def test_functions_methods_and_names_bound_in_any_way_are_found(package: str) -> None:
    assert targets.resolve(f"{package}.nets.Net.make", "key")() == 7
    assert targets.resolve(f"{package}.nets:Net.make", "key")() == 7
    assert targets.resolve(f"{package}.nets.late", "key") == 3
    assert targets.resolve(f"{package}.nets.where", "key").__name__ in ("posixpath", "ntpath")
    assert targets.resolve(f"{package}.dynamic.made", "key") == 5


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (".nets.Nett", r"^key: .*nets\.py has no 'Nett'; did you mean 'Net'\?"),
        (".nets.Net.mkae", r"^key: Net has no 'mkae'; did you mean 'make'\?"),
        (".nets", r"^key: .* is a module; add the name of a function or class in it"),
        (".broken.half", r"broken\.py, line 1: "),
        (".raises.net", r"importing .*raises' failed: RuntimeError: no device"),
        (".needs.net", r"importing .*needs' failed: ModuleNotFoundError: No module named 'a_missing_dependency'"),
        (".dynamic.other", "has no 'other'"),
        (".absent.net", "has no 'absent'"),
    ],
)
def test_a_wrong_path_is_an_error_that_names_what_is_missing(package: str, rest: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        targets.resolve(package + rest, "key")


def test_a_check_imports_nothing(package: str) -> None:
    assert target_source.check(f"{package}.raises.net", "key") == []
    assert target_source.declared_arguments(f"{package}.raises.net") == []
    assert package not in sys.modules


def test_folders_without_init_files_are_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"outer_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name / "inner").mkdir(parents=True)
    (tmp_path / name / "inner" / "nets.py").write_text("def net(units): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert target_source.check(f"{name}.inner.nets.net", "model._target_") == []
    assert target_source.declared_arguments(f"{name}.inner.nets.net") == ["units"]
    assert "has no 'nets'" not in str(target_source.check(f"{name}.inner.nets.nat", "model._target_"))
    assert targets.resolve(f"{name}.inner.nets.net", "model._target_").__name__ == "net"


def test_the_working_directory_shadows_nothing_installed(package: str) -> None:
    Path("omegaconf.py").write_text("OmegaConf = 1\n", encoding="utf-8")
    assert target_source.check("omegaconf.OmegaConf", "key") == []
    assert targets.resolve("omegaconf.OmegaConf", "key") != 1


@pytest.mark.parametrize("dotted", ["", "name", ".a", "a..b", "a.b:c:d", "a b.c", "a.1", None, 3])
def test_a_text_that_is_not_a_dotted_path_is_refused(dotted: object) -> None:
    with pytest.raises(ConfigError, match="key: must be a dotted path"):
        targets.resolve(dotted, "key")  # type: ignore[arg-type]


def test_call_passes_keys_and_what_the_signature_names() -> None:
    def take(first: int, width: int, classes: int = 1) -> tuple[int, int, int]:
        return first, width, classes

    offered = {"classes": 7, "input_shape": (2,)}
    assert targets.call("model", take, {"_target_": "a.b", "hp": {}, "width": 3}, offered, 9) == (9, 3, 7)
    assert targets.call("model", take, {"_target_": "a.b", "width": 3, "classes": 4}, offered, 9) == (9, 3, 4)
    assert targets.call("model", lambda **keys: keys, {"_target_": "a.b", "x": 1}, offered) == {"x": 1}
    with pytest.raises(ConfigError, match=r"model\.first: a\.b takes no such key"):
        targets.call("model", take, {"_target_": "a.b", "width": 3, "first": 4}, offered, 9)
    with pytest.raises(ConfigError, match=r"model: a\.b: missing a required argument: 'width'"):
        targets.call("model", take, {"_target_": "a.b"}, offered, 9)


def test_keys_of_a_replaced_preset_are_dropped_unless_typed() -> None:
    preset = {"_target_": "mnistsweep.models.fast_conv", "dropout": 0.0, "filters": 16}
    own = preset | {"_target_": "my.net", "width": 3}
    assert targets.without_preset_keys(own, preset, []) == {"_target_": "my.net", "width": 3}
    assert targets.without_preset_keys(own, preset, ["dropout"]) == {"_target_": "my.net", "dropout": 0.0, "width": 3}
    assert targets.without_preset_keys(preset | {"filters": 8}, preset, []) == preset | {"filters": 8}
