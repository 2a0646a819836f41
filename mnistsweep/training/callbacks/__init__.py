"""Keras callbacks of a trial, one purpose each.

::

    guards.py              OwnershipCheck, FiniteGuard, ObjectiveGuard: end a trial that must not be recorded
    metric_names.py        StableNames: metrics without a name keep theirs in every trial
    epoch_snapshot.py      EpochSnapshot: the model of an epoch, before users' callbacks change it
    epoch_counter.py       EpochCounter
    history_writer.py      HistoryWriter: history.csv
    best_weights.py        BestWeights: the best epoch and its weights
    objective_reporter.py  ObjectiveReporter: reports to the study and prunes
    tensorboard_logger.py  TensorBoardLogger: event files
    user_callbacks.py      callbacks that the configuration names
    backup_and_resume.py   BackupAndResume: resume.npy
    stopping.py            TimeLimit, StopOnRequest: end a training early

The order matters. The guards come first, so that no other callback records an epoch of a trial that another worker owns
or an epoch with NaN. Users' callbacks come before those that read the objective, which they may add to the logs.
`StopOnRequest` comes last, so that a finished epoch is recorded before the trial is interrupted.
Epochs count from 1 wherever a user sees them.
"""
