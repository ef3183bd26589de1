"""The layers of a CNN written out in NumPy, forward and backward, to be read and checked."""
