"""The version of mnistsweep; in a module of its own, so that every package can import it without a cycle."""

__version__ = "0.1.0"
