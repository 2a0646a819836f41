"""What a loader returned, unpacked: a training, perhaps a validation, and a test part."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data import structure
from mnistsweep.data.examples import Examples
from mnistsweep.data.inputs import check_finite, check_inputs, convert_inputs, to_array
from mnistsweep.data.streams.sources import is_dataset
from mnistsweep.data.structure import Structure, describe, leaves
from mnistsweep.data.unsupported import form_advice
from mnistsweep.errors import DataError

FORMS = "((x_train, y_train), (x_test, y_test)), with a (x_validation, y_validation) between them or without"

# Functions of Keras that make datasets of a folder; two datasets of such a function are training and validation data.
_OF_FOLDERS = "_dataset_from_directory"


class Parts(NamedTuple):
    """What a loader returned, not converted.

    Attributes:
        train: Training part.
        validation: Validation part; None: it is taken from the training part.
        test: Test part; None: the source has none.
    """

    train: Any
    validation: Any
    test: Any

    @property
    def is_stream(self) -> bool:
        """Whether the training part is a dataset that delivers batches."""
        return is_dataset(self.train)


def unpack(returned: Any, source: str) -> Parts:
    """Unpack the result of a loader.

    Args:
        returned: ``(train, test)`` or ``(train, validation, test)``, each part ``(x, y)``, ``(x, y, sample_weight)`` or
            a dataset that delivers batches; of three parts, the test part may be None. One dataset is a training part.
            Two datasets of a function such as `keras.utils.image_dataset_from_directory` are the training and the
            validation part.
        source: Description of the source, for messages.

    Raises:
        DataError: The result has another form.
    """
    if is_dataset(returned):
        return Parts(returned, None, None)
    parts = tuple(returned) if isinstance(returned, tuple | list) else ()
    wanted = [*parts[:-1]] if len(parts) == 3 and parts[-1] is None else parts
    if len(parts) not in (2, 3) or not all(map(_is_part, wanted)):
        raise DataError(
            f"a loader must return {FORMS}, or datasets (tf.data.Dataset, keras.utils.PyDataset) in place of (x, y); "
            f"received {describe(returned)}; {form_advice(returned)} ({source})"
        )
    if source.rstrip("'\"").endswith(_OF_FOLDERS) and len(parts) == 2:
        return Parts(*parts, None)
    return Parts(parts[0], parts[1] if len(parts) == 3 else None, parts[-1])


def _is_part(part: Any) -> bool:
    return is_dataset(part) or (isinstance(part, tuple | list) and len(part) in (2, 3))


def convert_part(part: Any, side: str, source: str, is_own_target: bool = False) -> Examples:
    """Convert one part to arrays, and check it; nothing is scaled.

    Args:
        part: ``(x, y)`` or ``(x, y, sample_weight)``.
        side: ``training``, ``validation`` or ``test``, for messages.
        source: Description of the source, for messages.
        is_own_target: Whether the inputs are the targets, for autoencoders; then ``y`` is not used.

    Raises:
        DataError: Inputs and targets do not match, or hold values that cannot be trained on.
    """
    x, y, *more = part
    if is_own_target:
        inputs = targets = convert_inputs(x, side, source)
    else:
        targets = convert_targets(y, side, source)
        inputs = convert_inputs(x, side, source, structure.num_examples(targets))
    for array in leaves(targets):
        check_inputs(inputs, len(array), side, source)
    return Examples(
        inputs, targets, convert_weights(more[0], structure.num_examples(targets), side, source) if more else None
    )


def convert_targets(value: Any, side: str, source: str) -> Structure:
    """Convert the targets that a loader returned: an array, or a dictionary of arrays for a model with several outputs.

    Args:
        value: Anything that `numpy.asarray` converts to an array, or a dictionary or tuple of such values.
        side: ``training``, ``validation`` or ``test``, for messages.
        source: Description of the source, for messages.

    Returns:
        Arrays with their dtype and shape, as `keras.Model.fit` would get them.

    Raises:
        DataError: A value cannot be converted, or there are no targets.
    """
    if isinstance(value, dict):
        return {str(key): convert_targets(part, side, source) for key, part in value.items()}
    if isinstance(value, tuple) and value and all(getattr(part, "shape", ()) for part in value):
        return [convert_targets(part, side, source) for part in value]
    array = to_array(value, f"{side} targets", source)
    check_finite(array, f"{side} targets", "target", source)
    return array


def convert_weights(value: Any, count: int, side: str, source: str) -> NDArray[np.float32] | None:
    """Convert the weights of the examples, and check that there is one for each."""
    if value is None:
        return None
    array = to_array(value, f"{side} sample weights", source)
    if array.shape != (count,) or array.dtype.kind not in "buif":
        raise DataError(
            f"{side} sample weights must be one number for each of the {count} examples; received "
            f"{describe(array)} ({source})"
        )
    check_finite(array, f"{side} sample weights", "weight", source)
    if (array < 0).any():
        raise DataError(f"{side} sample weights must be 0 or more; the smallest is {array.min()} ({source})")
    return array.astype(np.float32)
