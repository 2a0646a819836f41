"""Checks of a machine, a folder, a database and a cluster: what a sweep needs, and how to get what is missing."""
