"""What can go wrong with an artifact's content.

::

    ArtifactError
    ├── ChangedWhileReading   the source was modified, replaced or removed before it was read to its end
    ├── NotAFile              neither a regular file nor a directory, or it cannot be read
    ├── DigestMismatch        what was read is not what its digest says
    ├── NotStored             the store has no such content
    └── TargetExists          something else lies where the content was to be fetched to
"""

from __future__ import annotations

from epochal._errors import EpochalError


class ArtifactError(EpochalError):
    """Content could not be read, stored or fetched; the message says which, why, and what to do."""


class ChangedWhileReading(ArtifactError):  # noqa: N818 - says what happened, as the built-in FileExistsError does
    """The source was modified, replaced or removed before it was read to its end: no digest is given."""


class NotAFile(ArtifactError):  # noqa: N818
    """The path is neither a readable regular file nor a readable directory of such."""


class DigestMismatch(ArtifactError):  # noqa: N818
    """Content read from the store does not have the digest it is stored under."""

    def __init__(self, place: str, expected: str, found: str) -> None:
        super().__init__(
            f"the content at {place} has the digest {found}, but it is stored as {expected}: it was altered or "
            "damaged. Nothing was deleted; restore the object from a copy or log the artifact again from an intact one."
        )
        self.place = place
        self.expected = expected
        self.found = found


class NotStored(ArtifactError):  # noqa: N818
    """The store holds no content with this digest."""


class TargetExists(ArtifactError):  # noqa: N818
    """Something other than the content asked for lies at the target."""
