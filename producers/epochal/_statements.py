"""What can be said of a component besides its metric points: params, tags, notes, alerts, definitions, artifacts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import _entity_events as entity_events
from . import _events as events
from ._about import About
from ._contents import Contents, Direction, Record, checked
from ._errors import EpochalError, MisuseError, RefusedError
from ._finding import find_artifact
from ._guard import guarded
from ._tagging import note, set_tags, untag
from ._values import plain, split_cells

if TYPE_CHECKING:
    from ._artifacts.artifact import Artifact
    from ._ending import Ending
    from ._session import Session
    from ._writer import Writer

__all__ = ["Statements"]

_LEVELS = ("info", "warning", "error")
_SUMMARIES = ("min", "max", "mean", "std", "first", "last", "count", "nan_count", "argmin", "argmax")


class Statements:
    """The base of :class:`epochal.Run`; it gives what is said a component and a rank."""

    _session: Session
    _about: About
    _contents: Contents
    _inputs: dict[str, Artifact]
    """By its name each input, as it was recorded last."""
    _writer: Writer | None
    _ending: Ending | None
    disabled: bool
    """Whether calls do nothing (mode "disabled")."""

    def _finished_text(self) -> str:
        raise NotImplementedError

    def _say(self, event: events.Event, time_us: int | None = None) -> None:
        raise NotImplementedError

    @guarded
    def log_params(self, params: Mapping[str, object]) -> None:
        """Records parameters: any JSON value, typed, nested, of any length.

        A mapping is taken apart into paths, lists are values. A later value supersedes an earlier one at, above and
        below its path; history is kept. What JSON lacks is converted (NumPy, enums, dataclasses, paths, dates …), the
        rest is kept by its ``repr`` and marked as such.
        """
        whole = plain(params)
        if not isinstance(whole, dict):
            raise TypeError(f"params are a mapping (or a dataclass, a namespace); got {type(params).__name__}")
        cells = split_cells(whole)
        if whole:
            self._say(events.params_logged(component=self.id, rank=self._about.rank, cells=cells))

    @guarded
    def unset(self, path: str | Sequence[str]) -> None:
        """Removes a parameter and all below it: ``"optimizer.lr"``, or the list of its keys.

        A text with dots means both the nested parameter and one whose own key is that text.
        """
        if isinstance(path, str):
            paths = [path.split("."), [path]] if "." in path else [[path]]
        else:
            paths = [list(path)] if isinstance(path, (list, tuple)) else [[]]
        if not all(isinstance(part, str) for parts in paths for part in parts) or not paths[0]:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a parameter's path is text or a list of texts; got {path!r}")
        self._say(events.params_unset(component=self.id, rank=self._about.rank, paths=paths))

    @guarded
    def tag(self, /, *words: str, **values: object) -> None:
        """Tags with words and with key=value."""
        self._say(set_tags("component", self.id, words, values))

    @guarded
    def untag(self, *keys: str) -> None:
        """Takes tags away: words, or the keys of key=value."""
        self._say(untag("component", self.id, keys))

    @guarded
    def note(self, text: str) -> None:
        """Free text; a later note supersedes, history keeps all."""
        self._say(note("component", self.id, text))

    @guarded
    def alert(self, title: str, text: str = "", level: Literal["info", "warning", "error"] = "warning") -> None:
        """Something a person should look at."""
        if level not in _LEVELS:
            raise ValueError(f"level={level!r}: accepted are {', '.join(_LEVELS)}")
        rank = self._about.rank
        self._say(
            entity_events.alert_raised(component=self.id, rank=rank, title=str(title), text=str(text), level=level)
        )

    @guarded
    def define(
        self,
        metric: str,
        *,
        step: str | None = None,
        goal: Literal["min", "max"] | None = None,
        summary: str | None = None,
    ) -> None:
        """Says which metric is the x axis of a metric, which way is better, and what summarises it."""
        if not isinstance(metric, str) or not metric:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a metric's name is a non-empty text; got {metric!r}")
        if goal not in (None, "min", "max"):
            raise ValueError(f"goal={goal!r}: accepted are 'min' and 'max'")
        if step is not None and (not isinstance(step, str) or not step):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"step={step!r}: the name of the metric that is the x axis is accepted, a non-empty text")
        if summary is not None and summary not in _SUMMARIES:
            raise ValueError(f"summary={summary!r}: accepted are {', '.join(_SUMMARIES)}")
        self._say(entity_events.metric_defined(component=self.id, metric=metric, step=step, goal=goal, summary=summary))

    def log_input(
        self,
        name: str,
        uri: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        digest: str | None = None,
        media_type: str | None = None,
        copy: bool = True,
    ) -> Artifact:
        """Records what went in: by reference (``uri``, ``digest``) or by content (``path``: a file or a directory).

        With ``path`` the content is frozen before this returns, then hashed and stored in the background; a file
        that changes meanwhile is an error on the component, never a wrong digest. ``copy=False`` records the digest
        and the place only.
        """
        return self._artifact("in", name, uri, path, digest, media_type, copy)

    def log_output(
        self,
        name: str,
        uri: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        digest: str | None = None,
        media_type: str | None = None,
        copy: bool = True,
    ) -> Artifact:
        """Records what came out; see :meth:`log_input`."""
        return self._artifact("out", name, uri, path, digest, media_type, copy)

    @guarded
    def restate(self, artifact: Artifact) -> None:
        """Records an artifact once more as it is described here, with what is known of its content."""
        name, _ = checked(artifact.name, artifact.uri, None, artifact.digest, artifact.media_type)
        record = self._record(artifact.direction, name, artifact.uri, artifact.media_type)
        self._say(record.logged(digest=artifact.digest, size=artifact.size, stored=artifact.stored))

    def use(self, artifact: Artifact | str, to: str | os.PathLike[str] | None = None) -> Path:
        """Fetches an artifact's content, verified, and records it as an input; returns where it lies.

        The artifact is a handle, or a digest, URI, alias or name, looked up in the store. Without ``to`` it lies in the
        user's cache, one copy for each content. Where this run has another input of its name, it is recorded as
        ``name@`` and the first eight digits of its digest.

        Raises:
            ArtifactError: the content is not stored, or is not what its digest says. Raised in every mode: a training
                can't go on without its data.
            NotFoundError: the store has no such artifact, or the name stands for different contents.
            NotAvailableError: the store is needed to look it up, and reading is not installed.
            TypeError: it is no artifact.
        """
        if isinstance(artifact, str):
            artifact = find_artifact(self.project, artifact)
        if not hasattr(artifact, "digest"):
            raise TypeError(
                f"use({artifact!r}): an artifact is accepted, such as log_output(...) and store.artifact(name) return, "
                "or its digest, URI, alias or name"
            )
        digest = artifact.digest
        if digest is None:
            raise ValueError(f"artifact {artifact.name!r} was recorded by reference only: there is nothing to fetch")
        target = _cached(digest, artifact.name) if to is None else Path(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        place = self._fetched(artifact, digest, target)
        if not self.disabled:
            name = artifact.name
            known = self._inputs.setdefault(name, artifact)
            if known is not artifact and not (known.ready and known.digest == digest):
                # under the same name it would take the place of the other input
                name = f"{name}@{digest.removeprefix('sha256:')[:8]}"
            record = self._record("in", name, artifact.uri, artifact.media_type)
            self._say(record.logged(digest=digest, size=artifact.size, stored=True))
        return place

    def _fetched(self, artifact: Artifact, digest: str, target: Path) -> Path:
        from ._artifacts.errors import NotStored

        try:
            return self._contents.fetch(digest, target)
        except NotStored:
            # a handle of the store knows when the content was removed, and why
            told: str = getattr(artifact, "why_not_stored", str)()
            if not told:
                raise
            raise NotStored(told) from None

    @property
    def id(self) -> str:
        """The component's id, a UUID."""
        return str(self._about.component)

    @property
    def name(self) -> str:
        """The component's name."""
        return self._about.name

    @property
    def kind(self) -> str:
        """The component's kind."""
        return self._about.kind

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return self._about.project

    @property
    def rank(self) -> int:
        """This process's rank."""
        return self._about.rank

    @property
    def world_size(self) -> int:
        """How many ranks the launch has."""
        return self._about.world_size

    @property
    def attempt(self) -> str:
        """The id of this attempt of the rank."""
        return self._about.attempt

    def _refuse(self, call: str, error: Exception, about: str = "") -> None:
        kind = "misuse" if isinstance(error, MisuseError) else call
        known = isinstance(error, (EpochalError, TypeError, ValueError))
        text = str(error) if known else f"{type(error).__name__}: {error}"
        if kind == "misuse":
            self._count_refused(kind, 1, text, text)
        else:
            self._count_refused(kind, 1, f"{call}(): {text}", about)
        if self._session.warn.strict:
            self._session.warn.clear()
            raise error if isinstance(error, EpochalError) else RefusedError(f"{call}(): {text}") from error

    def _count_refused(self, kind: str, count: int, text: str, about: str = "") -> None:
        if self._writer is not None:
            self._writer.refused[kind] += count
        self._session.warn.report(kind, text, about)

    def _artifact(
        self,
        direction: Direction,
        name: str,
        uri: str | None,
        path: str | os.PathLike[str] | None,
        digest: str | None,
        media_type: str | None,
        copy: bool,
    ) -> Artifact:
        from ._artifacts.artifact import Artifact

        blank = Artifact(str(name), direction, uri=uri, media_type=media_type, digest=digest)
        if self.disabled:
            return blank
        try:
            if self._ending is not None:
                raise MisuseError(self._finished_text())
            text, where = checked(name, uri, path, digest, media_type)
            record = self._record(direction, text, uri, media_type)
        except Exception as error:  # noqa: BLE001  the border: no argument may end a training
            self._refuse(f"log_{direction}put", error, str(name))
            return blank
        try:
            if where is None:
                artifact = self._contents.refer(record, digest)
            else:
                artifact = self._contents.take(record, where, copy=copy)
            if direction == "in":
                self._inputs[text] = artifact
            return artifact
        except Exception as error:  # noqa: BLE001  the border: no state of a disk may end a training
            self._failed(f"log_{direction}put", record, error)
            return blank

    def _failed(self, call: str, record: Record, error: Exception) -> None:
        """Says that an artifact could not be recorded: on the component, where that isn't finished, and to the user."""
        with contextlib.suppress(MisuseError):
            self._say(record.failed(str(error)))
        self._refuse(call, error, record.name)

    def _record(self, direction: Direction, name: str, uri: str | None, media_type: str | None) -> Record:
        return Record(self.id, self._about.rank, name, direction, self._say, uri, media_type)


def _cached(digest: str, name: str) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    return base / "epochal" / digest.removeprefix("sha256:") / (os.path.basename(name) or "content")
