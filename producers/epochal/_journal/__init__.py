"""The crash-safe local journal: what a writer logs lies in the page cache when the call returns.

``layout`` is the format, ``writer`` the writing side (light: no NumPy), ``reader`` the reading side.
"""
