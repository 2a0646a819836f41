"""The only package that imports KerasTuner: it adapts KerasTuner's classes to the study.

KerasTuner has three classes that a user extends. Each is extended here once:

- `keras_tuner.HyperModel` in `hypermodel`: builds and fits the model of one configuration;
- `keras_tuner.Oracle` in `study_oracle`: claims trials in the study, and stores nothing itself;
- `keras_tuner.Tuner` in `tuner`: trains the trials that this oracle returns.

`hyperparameters` translates between dimensions and KerasTuner's hyperparameters; `discovery` finds the hyperparameters
that a user's hypermodel declares. `kerastuner_oracle` makes one of KerasTuner's own oracles propose the points, and
`hyperband` handles the epochs that some of these oracles set. `kerastuner_private` has the private API that is needed.
"""
