"""The only KerasTuner room: its `HyperModel`, `Oracle` and `Tuner`, adapted to the study.

`hyperparameters` translates between the search space and `keras_tuner.HyperParameters`; `hypermodel` builds and fits
one configuration; `discovery` finds what a user's hypermodel declares; `oracle` is a `keras_tuner.Oracle` whose memory
is the study; `search` is the `Tuner`; `foreign` lets one of KerasTuner's own oracles propose the points; `hyperband`
knows which of them set the epochs, too.
"""
