"""Data that streams: a `tf.data.Dataset`, a `keras.utils.PyDataset` or a `torch.utils.data.DataLoader` of a loader.

::

    sources.py       one class for each kind of dataset: its batches, a part of it, two of them joined
    py_datasets.py   parts and joins of a `PyDataset`; imports Keras
    batches.py       one batch as arrays
    scan.py          one pass over a stream: number of examples, targets, checksum
    stream.py        Stream, a part of a data set that is not in memory
    cutting.py       validation data from one end of a training stream
    opening.py       from what a loader returned to the streams of a training

None of these modules imports TensorFlow or PyTorch: an object of theirs has the methods that are needed.
"""
