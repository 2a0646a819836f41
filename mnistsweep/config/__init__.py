"""Configuration: the typed schema, Hydra's grammar read as a search space, composition, and the checks before a start."""
