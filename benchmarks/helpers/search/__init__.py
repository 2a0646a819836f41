"""Simulated searches on recorded learning curves, for `search.py`.

::

    tables.py            Table: the recorded curves
    simulation.py        Search: runs in simulated time; Method: what decides the next job
    scheduled.py         our schedulers, oracles and pruners
    optuna_peers.py      Optuna
    kerastuner_peers.py  KerasTuner
    one_epoch.py         one epoch for each, then the best few to their end
    methods.py           all of them by name
    scores.py            regret by epochs and by simulated time
    drawing.py           the plot
"""
