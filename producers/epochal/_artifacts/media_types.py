"""Media types guessed from names: what the standard library knows, and what machine learning adds."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath

DIRECTORY = "inode/directory"
"""Media type of a directory."""

UNKNOWN = "application/octet-stream"
"""Media type of content whose name says nothing."""

_BY_SUFFIX = {
    ".arrow": "application/vnd.apache.arrow.file",
    ".avro": "application/vnd.apache.avro",
    ".bin": UNKNOWN,
    ".cbor": "application/cbor",
    ".ckpt": "application/x-checkpoint",
    ".feather": "application/vnd.apache.arrow.file",
    ".gguf": "application/x-gguf",
    ".h5": "application/x-hdf5",
    ".hdf5": "application/x-hdf5",
    ".ipynb": "application/x-ipynb+json",
    ".joblib": "application/x-joblib",
    ".jsonl": "application/jsonl",
    ".keras": "application/x-keras",
    ".lz4": "application/x-lz4",
    ".md": "text/markdown",
    ".msgpack": "application/msgpack",
    ".ndjson": "application/x-ndjson",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".onnx": "application/x-onnx",
    ".orc": "application/vnd.apache.orc",
    ".parquet": "application/vnd.apache.parquet",
    ".patch": "text/x-diff",
    ".diff": "text/x-diff",
    ".pb": "application/x-protobuf",
    ".pickle": "application/x-pickle",
    ".pkl": "application/x-pickle",
    ".pt": "application/x-pytorch",
    ".pth": "application/x-pytorch",
    ".py": "text/x-python",
    ".safetensors": "application/x-safetensors",
    ".tfrecord": "application/x-tfrecord",
    ".tflite": "application/x-tflite",
    ".toml": "application/toml",
    ".webdataset": "application/x-tar",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}
_BY_ENCODING = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def guess(name: str) -> str:
    """The media type of a file or URI with this name; ``application/octet-stream`` when the name says nothing.

    Guarantees: the same answer on every machine (the system's own tables of types are not consulted).
    """
    suffix = PurePath(name.split("?", 1)[0]).suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    kind, encoding = _TABLE.guess_type(PurePath(name.split("?", 1)[0]).name)
    if encoding:
        return _BY_ENCODING.get(encoding, UNKNOWN)
    return kind or UNKNOWN


# mimetypes.guess_type() would read /etc/mime.types and differ from machine to machine.
_TABLE = mimetypes.MimeTypes()
