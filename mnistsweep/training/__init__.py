"""Training of one configuration.

::

    trainer.py           Training: all repeats of one configuration
    observers.py         Observers: callbacks that count and record the epochs and keep the best one
    returned.py          return value of a user's own `fit`
    outcome.py           Outcome: state and result of a training
    compilation.py       compile_model: optimizer, loss and metrics of the configuration
    building.py          variables of models that create them with the first batch; batches of a fixed size
    model_size.py        limit of the number of parameters
    metric_names.py      names of metrics that do not depend on the process
    saving.py            a model on disk: as a whole, or its weights
    callbacks/           Keras callbacks: history, pruning, resume file, limits, ...
    loop.py              fit: the training loop
    engines/             how one epoch is run
    resume_file.py       resume.npy on disk
    phase_state.py       state of a model, its optimizers and the random number generators
    callback_state.py    state of the callbacks
    packing.py           nested values with arrays as JSON and bytes
    keras_internals.py   private API of Keras that the package uses
"""
