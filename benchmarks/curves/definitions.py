"""The recorded tables: data, fixed settings, and the search space of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnistsweep import Choice, Float, Int


@dataclass(frozen=True)
class Definition:
    """How one table is recorded.

    Attributes:
        source: Name of the data, in `data_sets.SOURCES`.
        train: Number of training examples.
        validation: Number of validation examples.
        test: Number of test examples.
        space: Range of each searched key.
        fixed: Settings that hold for all trials: values of a numpy training, overrides of a Keras training.
        conditions: Conditions of dimensions.
        is_keras: Whether the trainings are Keras's, by the command line; otherwise they are functions of a trial.
        objective: Objective of the sweep: ``val_accuracy``, or ``val_loss``, the mean squared error.
        configurations: Number of configurations.
        repeated: Number of configurations that are trained with a second seed too.
        keys: Keys of the table by the names of a numpy training, where these differ.
    """

    source: str
    train: int
    validation: int
    test: int
    space: Mapping[str, Any]
    fixed: Mapping[str, Any]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    is_keras: bool = False
    objective: str = "val_accuracy"
    configurations: int = 320
    repeated: int = 110
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        """Direction of the objective and of the test score."""
        return "max" if self.objective == "val_accuracy" else "min"


DEFINITIONS = {
    "mnist_grid": Definition(
        source="mnist", train=4000, validation=4000, test=6000, is_keras=True, configurations=300, repeated=100,
        fixed={"model": "perceptron", "model.activation": "relu", "trainer.epochs": 16},
        space={
            "optimizer": "choice(adam,rmsprop,sgd)",
            "optimizer.learning_rate": "choice(0.0003,0.001,0.003,0.01,0.03)",
            "model.dense_layers": "choice(1,2)",
            "model.layer_size": "choice(32,64,128)",
            "model.dropout": "choice(0.0,0.3)",
            "trainer.batch_size": "choice(32,128)",
        },
    ),
    "fashion_continuous": Definition(
        source="fashion_mnist", train=4000, validation=4000, test=8000,
        configurations=400, repeated=150,
        fixed={"epochs": 20, "activation": "relu"},
        space={
            "optimizer": Choice("adam", "sgd"),
            "learning_rate": Float(1e-4, 1.0, log=True),
            "momentum": Float(0.0, 0.95),
            "dense_layers": Int(1, 3),
            "layer_size": Int(16, 128, log=True),
            "dropout": Float(0.0, 0.6),
            "batch_size": Choice(32, 64, 128),
        },
        conditions={"momentum": {"optimizer": ["sgd"]}},
    ),
    "fashion_cosine": Definition(
        source="fashion_mnist", train=3000, validation=4000, test=8000,
        fixed={"optimizer": "sgd", "nesterov": True, "cosine": True, "activation": "relu"},
        space={
            "learning_rate": Float(1e-3, 1.0, log=True),
            "momentum": Float(0.5, 0.98),
            "warmup_epochs": Choice(0, 1),
            "dense_layers": Choice(1, 2),
            "layer_size": Int(16, 128, log=True),
            "dropout": Float(0.0, 0.5),
            "batch_size": Choice(32, 64, 128),
            "epochs": Choice(4, 8, 16),
        },
        keys={"epochs": "trainer.epochs"},
    ),
    "friedman_regression": Definition(
        source="friedman", train=2000, validation=2000, test=8000, objective="val_loss",
        fixed={"epochs": 24},
        space={
            "optimizer": Choice("adam", "rmsprop"),
            "learning_rate": Float(1e-4, 0.3, log=True),
            "dense_layers": Int(1, 3),
            "layer_size": Int(8, 128, log=True),
            "activation": Choice("relu", "tanh", "silu"),
            "dropout": Float(0.0, 0.4),
            "batch_size": Choice(16, 32, 64, 128),
        },
    ),
}  # fmt: skip
