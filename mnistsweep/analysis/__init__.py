"""Analyses of a classifier: functions of arrays that return frozen records, one analysis per file, without Keras."""
