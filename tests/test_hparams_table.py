"""The HParams table that TensorBoard builds from the files of a sweep."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from operations import operations
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups

from mnistsweep.hparams_table import (
    FEASIBLE_TAG,
    OBJECTIVE_TAG,
    HParam,
    merge_hparams,
    metrics_of,
    tag_of,
    write_experiment,
    write_metrics,
    write_session_end,
    write_session_start,
)

SPACE = (
    HParam("optimizer", choices=("adam", "sgd")),
    HParam("model.dense_layers", choices=(1, 2, 3)),
    HParam("model.dropout", choices=(0, 0.2)),
    HParam("model.norm", choices=(True, False)),
    HParam("data.limit", choices=(1000, None)),
    HParam("optimizer.learning_rate", low=1e-4, high=1e-1),
    HParam("model.layer_size", low=16, high=256, is_int=True),
    HParam("model.anything"),
)


def backend(logdir: Path) -> tuple[backend_context.Context, Any]:
    """What `tensorboard --logdir` would answer with."""
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(logdir))
    return backend_context.Context(base_plugin.TBContext(data_provider=provider)), context.RequestContext()


def experiment(logdir: Path) -> Any:
    hparams, request = backend(logdir)
    return get_experiment.Handler(request, hparams, "", api_pb2.GetExperimentRequest()).run()


def rows(logdir: Path) -> dict[str, Any]:
    hparams, request = backend(logdir)
    states = [api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING]
    asked = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=states, start_index=0, slice_size=100, aggregation_type=api_pb2.AGGREGATION_AVG
    )
    answer = list_session_groups.Handler(request, hparams, "", asked).run()
    return {group.name: group for group in answer.session_groups}


def trial(sweep: Path, number: int, values: dict[str, Any]) -> Path:
    folder = sweep / "trials" / f"{number:04d}"
    folder.mkdir(parents=True, exist_ok=True)
    write_session_start(folder, f"{sweep.name}/{number:04d}", values, SPACE)
    return folder


def test_all_objectives_and_feasibility_are_metrics(tmp_path: Path) -> None:
    sweep = tmp_path / "several"
    write_experiment(sweep, SPACE, metrics_of(["parameters", "val_loss"], has_constraints=True))
    first = trial(sweep, 0, {"optimizer": "adam"})
    write_metrics(first, {OBJECTIVE_TAG: 0.75, tag_of("parameters"): 1234.0, FEASIBLE_TAG: 1.0}, step=3)
    second = trial(sweep, 1, {"optimizer": "sgd"})
    write_metrics(second, {FEASIBLE_TAG: 0.0}, step=0)
    infos = {info.name.tag: info.display_name for info in experiment(tmp_path).metric_infos}
    assert infos == {
        "objective": "", "objective/parameters": "parameters", "objective/val_loss": "val_loss", "feasible": "",
    }  # fmt: skip
    shown = {
        name: {metric.name.tag: metric.value for metric in row.metric_values} for name, row in rows(tmp_path).items()
    }
    assert shown == {
        "several/0000": {"objective": 0.75, "objective/parameters": 1234.0, "feasible": 1.0},
        "several/0001": {"feasible": 0.0},
    }


def python(value: Any) -> Any:
    return getattr(value, value.WhichOneof("kind"))


def test_the_experiment_has_the_domains_of_the_space(tmp_path: Path) -> None:
    write_experiment(tmp_path, SPACE)
    infos = {info.name: info for info in experiment(tmp_path).hparam_infos}
    assert set(infos) == {dimension.name for dimension in SPACE}
    discrete = {name: [python(value) for value in info.domain_discrete.values] for name, info in infos.items()}
    assert discrete["optimizer"] == ["adam", "sgd"]
    assert discrete["model.dense_layers"] == [1, 2, 3]
    assert discrete["model.dropout"] == [0.0, 0.2]
    assert set(discrete["model.norm"]) == {True, False}
    assert set(discrete["data.limit"]) == {"1000", "null"}
    rate, size = infos["optimizer.learning_rate"].domain_interval, infos["model.layer_size"].domain_interval
    assert (rate.min_value, rate.max_value) == (1e-4, 1e-1)
    assert (size.min_value, size.max_value) == (16, 256)
    assert infos["model.anything"].WhichOneof("domain") is None
    assert infos["optimizer"].type == api_pb2.DATA_TYPE_STRING
    assert infos["model.norm"].type == api_pb2.DATA_TYPE_BOOL
    assert infos["model.layer_size"].type == api_pb2.DATA_TYPE_FLOAT64


def test_the_table_shows_values_objective_and_status(tmp_path: Path) -> None:
    sweep = tmp_path / "my sweep"
    write_experiment(sweep, SPACE)
    good = trial(sweep, 0, {"optimizer": "adam", "model.dropout": 0, "model.norm": True, "data.limit": None})
    write_metrics(good, {OBJECTIVE_TAG: 0.75}, step=3)
    write_session_end(good, success=True)
    bad = trial(sweep, 1, {"optimizer": "sgd", "optimizer.learning_rate": 0.05, "model.layer_size": 32})
    write_session_end(bad, success=False)
    trial(sweep, 2, {"optimizer": "adam", "data.limit": 1000})

    table = rows(tmp_path)
    assert list(table) == ["my sweep/0000", "my sweep/0001", "my sweep/0002"]
    first, second, third = table.values()
    values = {name: python(value) for name, value in first.hparams.items() if value.WhichOneof("kind") != "null_value"}
    assert values == {"optimizer": "adam", "model.dropout": 0.0, "model.norm": True, "data.limit": "null"}
    (metric,) = first.metric_values
    assert (metric.name.tag, metric.value, metric.training_step) == (OBJECTIVE_TAG, 0.75, 3)
    states = [group.sessions[0].status for group in (first, second, third)]
    assert states == [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_UNKNOWN]
    assert not second.metric_values
    assert python(second.hparams["model.layer_size"]) == 32
    assert first.sessions[0].end_time_secs >= first.sessions[0].start_time_secs > 0


def test_sweeps_side_by_side_keep_their_rows_apart(tmp_path: Path) -> None:
    for name, value in (("one", 0.25), ("two", 0.5)):
        write_experiment(tmp_path / name, SPACE)
        folder = trial(tmp_path / name, 0, {"optimizer": "adam"})
        write_metrics(folder, {OBJECTIVE_TAG: value}, step=1)
    table = rows(tmp_path)
    assert {name: group.metric_values[0].value for name, group in table.items()} == {"one/0000": 0.25, "two/0000": 0.5}


def test_sweeps_side_by_side_show_the_columns_of_all(tmp_path: Path) -> None:
    one = [HParam("optimizer", choices=("adam", "sgd")), HParam("model.dropout", low=0.0, high=0.5)]
    two = [
        HParam("optimizer", choices=("sgd", "lion")),
        HParam("model.dropout", choices=(0.0, 0.75)),
        HParam("a", low=1, high=9, is_int=True),
    ]
    for name, space in (("one", one), ("two", two)):
        write_experiment(tmp_path / name, space)
    write_experiment(tmp_path, merge_hparams([one, two]))
    infos = {info.name: info for info in experiment(tmp_path).hparam_infos}
    assert set(infos) == {"optimizer", "model.dropout", "a"}
    assert {value.string_value for value in infos["optimizer"].domain_discrete.values} == {"adam", "sgd", "lion"}
    assert (infos["model.dropout"].domain_interval.min_value, infos["model.dropout"].domain_interval.max_value) == (
        0,
        0.75,
    )
    assert merge_hparams([[HParam("x", choices=("a",))], [HParam("x", low=0, high=1)]]) == [HParam("x")]


def test_an_experiment_written_again_replaces_the_first(tmp_path: Path) -> None:
    write_experiment(tmp_path, SPACE)
    write_experiment(tmp_path, SPACE[:1])
    assert len(list(tmp_path.iterdir())) == 1
    assert [info.name for info in experiment(tmp_path).hparam_infos] == ["optimizer"]


def test_a_value_has_the_form_of_its_domain() -> None:
    shown = {dimension.name: dimension.to_cell(choice) for dimension in SPACE for choice in dimension.choices or ()}
    assert shown == {
        "optimizer": "sgd",
        "model.dense_layers": 3,
        "model.dropout": 0.2,
        "model.norm": False,
        "data.limit": "null",
    }
    assert HParam("x", choices=([1, 2], "a")).to_cell([1, 2]) == "[1, 2]"
    assert HParam("x").to_cell(None) == "null"


WITHOUT_TENSORFLOW = """
import sys
from pathlib import Path
from mnistsweep.hparams_table import *
folder = Path(sys.argv[1])
write_experiment(folder, [HParam("a", choices=(1, 2)), HParam("b", low=0, high=1)])
write_session_start(folder / "0", "s/0", {"a": 1, "b": 0.5})
write_metrics(folder / "0", {OBJECTIVE_TAG: 0.5}, 1)
write_session_end(folder / "0", True)
EventFile(folder / "0" / "train").add_scalars({"epoch_loss": 0.5}, 1)
print(sorted({"tensorflow", "keras", "torch"} & set(sys.modules)))
"""


def test_needs_neither_tensorflow_nor_keras(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
    assert list(rows(tmp_path)) == ["s/0"]


def test_the_work_for_a_column_grows_with_its_values(tmp_path: Path) -> None:
    def work(count: int) -> int:
        columns = [HParam("x", choices=tuple(0.5 + index for index in range(count)))]

        def write() -> None:
            merged = merge_hparams([columns, columns, [HParam("x", choices=tuple(range(count)))]])
            write_experiment(tmp_path, merged)
            write_session_start(tmp_path, "s/0", {"x": 0.5}, merged)

        return operations(write)

    work(100)  # the first call imports modules
    assert work(1600) < 6 * work(400)


def test_a_column_of_many_values_has_an_interval_or_no_domain(tmp_path: Path) -> None:
    rates, names = tuple(index / 1000 for index in range(1, 500)), tuple(f"v{index}" for index in range(500))
    write_experiment(tmp_path, [HParam("r", rates), HParam("n", names), HParam("i", tuple(range(500)))])
    write_session_start(tmp_path / "0", "s/0", {"r": 0.25, "n": "v7", "i": 3}, [HParam("r", rates), HParam("n", names)])
    infos = {info.name: info for info in experiment(tmp_path).hparam_infos}
    rate, name, whole = infos["r"], infos["n"], infos["i"]
    assert (rate.domain_interval.min_value, rate.domain_interval.max_value) == (0.001, 0.499)
    assert (whole.domain_interval.min_value, whole.domain_interval.max_value) == (0, 499)
    assert not name.HasField("domain_discrete")
    (row,) = rows(tmp_path).values()
    assert (row.hparams["r"].number_value, row.hparams["n"].string_value) == (0.25, "v7")


def test_columns_at_the_limits_of_numbers(tmp_path: Path) -> None:
    wide = HParam("wide", low=-1e308, high=1e308)
    write_experiment(tmp_path, [wide, HParam("limit", choices=(*range(200), math.inf))])
    infos = {info.name: info for info in experiment(tmp_path).hparam_infos}
    assert infos["wide"].domain_interval.max_value == 1e308
    assert not infos["limit"].HasField("domain_interval")
