"""The libraries only the demo needs, imported when it runs: Keras on JAX, scikit-learn."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

from epochal import NotAvailableError


def load_keras(compiled: Path) -> ModuleType:
    """Keras on its JAX backend, on the CPU.

    ``compiled`` is a directory where compiled steps are kept, so that trainings that differ only in their number of
    epochs are compiled once: about 6 s the first time, 1 s after that.

    Raises:
        NotAvailableError: Keras or JAX is not installed.
    """
    # Keras chooses its backend while it is imported and keeps it, so this has to come first.
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    config = _load("jax").config
    config.update("jax_compilation_cache_dir", str(compiled))
    config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return _load("keras")


def load_datasets() -> ModuleType:
    """``sklearn.datasets``, whose digits images come with the package: nothing is downloaded.

    Raises:
        NotAvailableError: scikit-learn is not installed.
    """
    return _load("sklearn.datasets")


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f"the demo needs {error.name}, which is not installed: pip install 'epochal[demo]'"
        raise NotAvailableError(message) from error
