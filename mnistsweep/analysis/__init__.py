"""Analyses of a classifier: functions of arrays that give frozen records. One file an analysis; no sweep, no Keras."""
