"""Configuration: the typed schema, Hydra's grammar read as a search space, composition, checks before a start."""
