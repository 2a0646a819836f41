"""Long lists of values in ``hydra.sweeper.params``, as texts: a copy of a list of 10,000 nodes takes 0.3 s."""

from __future__ import annotations

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from mnistsweep.config.overrides import param_text

# Number of values of a list that is kept as a list.
MAX_LISTED_PARAMS = 100


def write_long_params_as_text(config: DictConfig) -> None:
    """Replace each long list in ``hydra.sweeper.params`` by its text, which stands for the same values.

    Args:
        config: Configuration, which is changed; its lists with interpolations are kept.
    """
    params = OmegaConf.select(config, "hydra.sweeper.params")
    for key, value in list(params.items_ex(resolve=False)) if isinstance(params, DictConfig) else ():
        if isinstance(value, ListConfig) and len(value) > MAX_LISTED_PARAMS:
            plain = OmegaConf.to_container(value, resolve=False)
            if "${" not in str(plain):
                with open_dict(params), read_write(params):
                    params[key] = param_text(plain)
