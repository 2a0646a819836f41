"""The key `zip`: swept keys that go together, checked before the start."""

from __future__ import annotations

import re

import pytest

from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice, Condition, Zip
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json, plan_to_json
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.same_search import differences, fingerprint

CONV = ["model=tiny_conv", "model.filters=32,16,64", "model.kernel_size=3,5,3"]


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), overrides)


def test_keys_go_together_in_the_order_given() -> None:
    plan = planned("trainer.batch_size=1,2", *CONV, "zip=[[model.filters,model.kernel_size]]")
    assert plan.space.dimensions == (
        Choice("trainer.batch_size", (1, 2)),
        Zip(("model.filters", "model.kernel_size"), ((32, 3), (16, 5), (64, 3))),
    )
    assert (plan.space.size(), plan.num_trials) == (6, 6)
    trial = plan.composer.plain({"trainer.batch_size": 1, "model.filters": 16, "model.kernel_size": 5}, 0)
    assert (trial["model"]["filters"], trial["model"]["kernel_size"]) == (16, 5)
    assert plan_from_json(plan_to_json(plan)).space == plan.space


def test_config_groups_go_together() -> None:
    plan = planned("model=perceptron,fast_conv", "optimizer=sgd,adam", "optimizer.momentum=0.5,0.9",
                   "zip=[[model,optimizer]]")  # fmt: skip
    assert plan.space.dimensions == (
        Zip(("model", "optimizer"), (("perceptron", "sgd"), ("fast_conv", "adam"))),
        Choice("optimizer.momentum", (0.5, 0.9), (Condition("optimizer", ("sgd",)),)),
    )
    assert plan.space.size() == 3
    assert set(plan_to_json(plan)["variants"]) == {"model=perceptron,optimizer=sgd", "model=fast_conv,optimizer=adam"}
    assert plan.composer.trial({"model": "fast_conv", "optimizer": "adam"}).optimizer.name == "adam"


def test_a_group_and_a_key_that_all_its_presets_have_go_together() -> None:
    plan = planned(
        "optimizer=adam,sgd", "optimizer.learning_rate=0.001,0.1", "zip=[[optimizer,optimizer.learning_rate]]"
    )
    assert list(plan.space.grid()) == [
        {"optimizer": "adam", "optimizer.learning_rate": 0.001},
        {"optimizer": "sgd", "optimizer.learning_rate": 0.1},
    ]


def test_keys_with_the_same_conditions_go_together() -> None:
    plan = planned("optimizer=adam,sgd", "optimizer.momentum=0.5,0.9", "optimizer.nesterov=true,false",
                   "zip=[[optimizer.momentum,optimizer.nesterov]]")  # fmt: skip
    assert plan.space.size() == 3
    assert plan.space["optimizer.nesterov"].conditions == (Condition("optimizer", ("sgd",)),)


def test_several_zips_and_a_range() -> None:
    plan = planned(*CONV, "trainer.epochs=range(1,3)", "trainer.batch_size=32,64", "oracle=grid",
                   "zip=[[model.filters,model.kernel_size],[trainer.epochs,trainer.batch_size]]")  # fmt: skip
    assert plan.space.size() == 6
    assert plan.space.dimensions[1] == Zip(("trainer.epochs", "trainer.batch_size"), ((1, 32), (2, 64)))


@pytest.mark.parametrize(
    ("overrides", "messages"),
    [
        (
            [*CONV, "zip=[[model.filtres,model.kernel_size]]"],
            [r"zip: model\.filtres is not swept; .*, model\.filtres=A,B \(did you mean 'model\.filters'"],
        ),
        (
            [*CONV, "trainer.epochs=3", "zip=[[model.filters,trainer.epochs]]"],
            [
                r"model\.kernel_size: a choice lists each value once, received 3 more than once\.",
                r"zip: trainer\.epochs is not swept; give it a choice, trainer\.epochs=A,B .*",
            ],
        ),
        (
            [*CONV[:2], "model.kernel_size=3,5", "zip=[[model.filters,model.kernel_size]]"],
            [r"zip: keys that go together need equally many values; model\.filters has 3, model\.kernel_size has 2\."],
        ),
        (
            ["model.dropout=interval(0,0.5)", "trainer.epochs=1,2", "zip=[[trainer.epochs,model.dropout]]"],
            [r"zip: .* need listed values; model\.dropout is interval\(0, 0\.5\); write model\.dropout=A,B\."],
        ),
        (
            [*CONV, "trainer.epochs=1,2,3", "zip=[[model.filters,model.kernel_size],[model.filters,trainer.epochs]]"],
            [r"zip: a key goes with one group of others; model\.filters is listed 2 times; list it once\."],
        ),
        ([*CONV, "zip=[model.filters,model.kernel_size]"], [r"zip: a list of lists of swept keys, .*of their own\."]),
        (["trainer.epochs=1,2", "zip=[[trainer.epochs]]"], [r"zip: .*two keys .*received \['trainer\.epochs'\]\."]),
        (["trainer.epochs=1,2", "zip=3"], [r"zip: must be a list.*received 3.*"]),
        (
            ["optimizer=adam,sgd", "optimizer.momentum=0.5,0.9", "zip=[[optimizer,optimizer.momentum]]"],
            [r"zip: keys .* exist independently; optimizer\.momentum exists only where optimizer is sgd; leave one .*"],
        ),
        (
            [
                *("optimizer=adam,sgd", "optimizer.momentum=0.5,0.9", "trainer.epochs=1,2"),
                "zip=[[trainer.epochs,optimizer.momentum]]",
            ],
            [r"zip: .* conditions; trainer\.epochs exists always, optimizer\.momentum only where optimizer is sgd\."],
        ),
        (
            [
                *("optimizer=adam,sgd", "trainer.batch_size=8,16", "trainer.epochs=1,2"),
                *("zip=[[trainer.epochs,trainer.batch_size]]", "conditions={trainer.epochs: {optimizer: sgd}}"),
            ],
            [r"zip: .* conditions; trainer\.epochs exists only where optimizer is sgd, trainer\.batch_size always\."],
        ),
        (
            ["trainer.batch_size=8,8", "trainer.epochs=1,1", "zip=[[trainer.epochs,trainer.batch_size]]"],
            [r"zip: each combination is listed once; received trainer\.epochs=1, trainer\.batch_size=8 more"],
        ),
        (
            ["trainer.epochs=1,2", "trainer.batch_siz=8,16", "zip=[[trainer.epochs,trainer.batch_siz]]"],
            [r"trainer\.batch_siz: .*trainer\.batch_size.*"],
        ),
        (
            [*CONV, "zip=[[model.filters,model.kernel_size]]", "enqueue=[{model.filters: 32, model.kernel_size: 5}]"],
            [r"enqueue\[0\]: model\.filters, model\.kernel_size go together, as one of zip\(\(32, 3\), .*\)\."],
        ),
        (["seed=1,2", "trainer.epochs=1,2", "zip=[[seed,trainer.epochs]]"], [r"seed: holds for the whole sweep .*"]),
    ],
)  # fmt: skip
def test_each_fault_has_one_message(overrides: list[str], messages: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(*overrides)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(messages), lines
    for line, message in zip(sorted(lines), sorted(messages), strict=True):
        assert re.fullmatch(message + ".*", line), line


def test_another_zip_is_another_search() -> None:
    apart = planned(*CONV[:2], "model.kernel_size=3,5,7")
    together = planned(*CONV[:2], "model.kernel_size=3,5,7", "zip=[[model.filters,model.kernel_size]]")
    assert "model.filters,model.kernel_size (swept)" in differences(apart, together)
    assert "zip" not in fingerprint(apart)
