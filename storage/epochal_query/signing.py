"""Signatures of checkpoints: Ed25519, by the package ``cryptography``, which is loaded when one is made or checked."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epochal_query.checkpoint import signed_bytes
from epochal_query.errors import CheckpointError

ALGORITHM = "Ed25519"
_MISSING = "signatures need the package cryptography, which isn't installed: pip install 'epochal[sign]'"


def new_key(path: Path) -> Path:
    """Make a key: the private one in a new file that only its owner can read, the public one beside it.

    Returns:
        The file of the public key, ``<path>.pub``.

    Raises:
        CheckpointError: there is a file already, it can't be written, or ``cryptography`` is missing.
    """
    keys, forms = _cryptography()
    key = keys.Ed25519PrivateKey.generate()
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    public = key.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    beside = path.with_name(f"{path.name}.pub")
    try:
        if beside.exists():  # no half of a pair is left behind
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(beside))
        for file, content, mode in ((path, private, 0o600), (beside, public, 0o644)):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
    except FileExistsError as error:
        raise CheckpointError(f"{error.filename} exists already: choose another name for the key") from None
    except OSError as error:
        raise CheckpointError(f"the key can't be written: {error}") from error
    return beside


def signed(document: Mapping[str, Any], key_file: Path) -> dict[str, Any]:
    """The document with a signature by a private key in PEM.

    Raises:
        CheckpointError: the file holds no such key, or ``cryptography`` is missing.
    """
    keys, forms = _cryptography()
    key = _loaded(key_file, lambda data: forms.load_pem_private_key(data, None), keys.Ed25519PrivateKey)
    public = key.public_key().public_bytes(forms.Encoding.Raw, forms.PublicFormat.Raw)
    value = key.sign(signed_bytes(document))
    return {**document, "signature": {"algorithm": ALGORITHM, "public_key": public.hex(), "value": value.hex()}}


def check_signature(document: Mapping[str, Any], public_key: Path | None) -> str:
    """Check the signature of a checkpoint, where it has one or a public key is given; who signed it, in words.

    Raises:
        CheckpointError: the signature doesn't fit, is by another key, or is missing; or ``cryptography`` is.
    """
    signature = document.get("signature")
    if signature is None and public_key is None:
        return "not signed"
    if signature is None:
        raise CheckpointError(
            "the checkpoint isn't signed, and a public key was given: check that it is the right file"
        )
    keys, forms = _cryptography()
    try:
        raw, value = bytes.fromhex(signature["public_key"]), bytes.fromhex(signature["value"])
        known = signature["algorithm"] == ALGORITHM
        signer = keys.Ed25519PublicKey.from_public_bytes(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the signature of the checkpoint can't be read: {error!r}") from error
    if not known:
        raise CheckpointError(f"the checkpoint is signed by {signature['algorithm']!r}; {ALGORITHM} is known here")
    if public_key is not None:
        trusted = _loaded(public_key, forms.load_pem_public_key, keys.Ed25519PublicKey)
        if trusted.public_bytes(forms.Encoding.Raw, forms.PublicFormat.Raw) != raw:
            raise CheckpointError(f"the checkpoint is signed by {raw.hex()}, which isn't the key in {public_key}")
    if not _fits(signer, value, signed_bytes(document)):
        raise CheckpointError("the signature doesn't fit: the checkpoint was altered after it was signed")
    return f"signed by {raw.hex()}" + ("" if public_key else ", a key that was compared with none: give --public-key")


def _fits(signer: Any, value: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        signer.verify(value, content)
    except InvalidSignature:
        return False
    return True


def _loaded(path: Path, load: Any, kind: Any) -> Any:
    try:
        key = load(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} can't be read as a key in PEM without a password: {error}") from error
    if not isinstance(key, kind):
        raise CheckpointError(f"{path} holds {type(key).__name__}, and {kind.__name__} is needed: an {ALGORITHM} key")
    return key


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise CheckpointError(_MISSING) from error
    return ed25519, serialization
