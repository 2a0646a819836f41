"""Models, optimizers and losses.

The built-in networks are importable from here: configurations name them as ``mnistsweep.models.fast_conv``.
"""

from mnistsweep.models.networks import conv_dense, deep_conv, fast_conv, perceptron, tiny_conv

__all__ = ["conv_dense", "deep_conv", "fast_conv", "perceptron", "tiny_conv"]
