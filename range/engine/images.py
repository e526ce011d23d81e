"""Images: ours are built from `topologies/images/<kind>/` when their content changed, others are found or pulled.

Knows: how an image's content digest is made, and that an image is looked up by it, so that a warm `ensure` builds
nothing and asks the engine one question per image.
Must never: start a node, leave an intermediate image behind, or take an id for a name.
"""

from __future__ import annotations

import fcntl
import io
import re
import tarfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import docker
from docker import errors as docker_errors

from range.catalogue.finding import LEAVINGS
from range.engine import base_image, labels
from range.engine.builders import KIND_IMAGE, DockerBuilders
from range.engine.client import faults
from range.engine.pulling import pull
from range.errors import ImageMissing, Refused
from range.references import ANY, TOOLS, Reference, parse, unlisted

CONTENT = "jointrange.content"
"""The label that says from which content an image was built."""

PREFIX = "jointrange/"
BASE = "base"
ANSIBLE = "ansible"
_TAIL = 15
_AT_ONCE = 2
_POLL = 0.1
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)")
_MADE = re.compile(r"^ ---> ([0-9a-f]{12,64})$")
_PART = "has dependent child images"
"""The engine does not remove an image that is by now a part of another one."""


@dataclass(frozen=True, slots=True)
class BuildFile:
    """A file of a build folder. `name` is relative, with slashes."""

    name: str
    content: bytes
    executable: bool


class DockerImages(DockerBuilders):
    """ports.Images and ports.Builders over Docker. `folder` is `topologies/images`; `cache` holds the lock files.

    `registries`: from where others' images may be pulled, in the words of range/references.py. `stop`: set it, and what
    is being built, pulled or waited for ends soon.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        folder: Path,
        cache: Path,
        *,
        instance: str,
        owner: str,
        registries: tuple[str, ...] = (ANY,),
        stop: Event | None = None,
    ) -> None:
        super().__init__(client, instance, owner)
        self._folder = folder
        self._cache = cache
        self._registries = registries
        self._ended = stop or Event()
        self._stop = Event()

    def digest(self, reference: str) -> str | None:
        """The id of the image of this name, or None when it is not here. An id, or the beginning of one, is no name."""
        return self._named(_parsed(reference))

    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be built here, base first."""
        here = self._folder.glob("*/Dockerfile")
        return (BASE, *sorted({file.parent.name for file in here} - {BASE}))

    def ensure(self, reference: str, progress: Callable[[str], None]) -> str:
        """Build (`jointrange/<kind>`) or pull it if it is not here; its digest.

        Raises ImageMissing, Refused (the installation does not pull from there).
        """
        return self._ensure(reference, progress, self._registries)

    def _ensure(self, reference: str, progress: Callable[[str], None], registries: tuple[str, ...] = (ANY,)) -> str:
        named = _parsed(reference)
        kind = _kind(named.familiar)
        if kind == BASE:
            return self._ensure_base(progress)
        if kind is not None and (self._folder / kind / "Dockerfile").is_file():
            return self._ensure_kind(kind, progress)
        return self._named(named) or self._fetch(named, progress, registries)

    def ensure_all(self, references: Iterable[str], progress: Callable[[str], None]) -> dict[str, str]:
        """`ensure` for each, two builds at a time; reference -> digest. Raises the first fault."""
        wanted = tuple(dict.fromkeys(references))
        if any(_kind(reference) for reference in wanted):
            self.ensure(PREFIX + BASE, progress)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="images") as workers:
            futures = {reference: workers.submit(self.ensure, reference, progress) for reference in wanted}
            try:
                return {reference: future.result() for reference, future in futures.items()}
            except BaseException:
                self._stop.set()
                workers.shutdown(cancel_futures=True)
                self._stop.clear()
                raise

    def sweep_builders(self, *, everything: bool = False) -> list[str]:
        """Also removes what killed builds left half made."""
        gone = super().sweep_builders(everything=everything)
        for journal in sorted(self._cache.glob("*.building")):
            try:
                with self._lock(journal.stem, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    gone += self._clear(journal.stem)
            except BlockingIOError:
                continue  # its build is alive
        return gone

    # ── our own kinds ────────────────────────────────────────────────────────────────────────────────────────

    def _ensure_kind(self, kind: str, progress: Callable[[str], None], within: tuple[str, ...] = ()) -> str:
        files = build_files(self._folder / kind)
        parents = {}
        for parent in parents_of(files):
            inner = _kind(parent)
            if inner == kind or inner in within:
                raise ImageMissing(
                    f"{PREFIX}{kind} is built from itself, through {parent}",
                    hint=f"change FROM in {self._folder / kind / 'Dockerfile'}",
                )
            if inner is not None and inner != BASE and (self._folder / inner / "Dockerfile").is_file():
                parents[parent] = self._ensure_kind(inner, progress, (*within, kind))
            else:
                parents[parent] = self._ensure(parent, progress)
        content = content_digest(files, parents)
        return self._made(kind, content, lambda: self._build(kind, files, content, progress))

    def _ensure_base(self, progress: Callable[[str], None]) -> str:
        content = base_image.recipe()
        return self._made(BASE, content, lambda: self._make_base(content, progress))

    def _made(self, kind: str, content: str, make: Callable[[], str]) -> str:
        """The image of this content: the newest, one made before, or made now, once, whoever else wants it."""
        found = self._current(kind, content)
        if found:
            return found
        with self._lock(kind):
            found = self._current(kind, content)
            if found:
                return found
            self._clear(kind)
            image = self.digest(f"{PREFIX}{kind}:{content[:12]}") or make()
            with faults(f"tagging {PREFIX}{kind}"):
                self._api.tag(image, PREFIX + kind, content[:12])
                self._api.tag(image, PREFIX + kind, "latest")
            return image

    def _current(self, kind: str, content: str) -> str | None:
        found = self._inspect(f"{PREFIX}{kind}:latest")
        if found and (found["Config"].get("Labels") or {}).get(CONTENT) == content:
            return str(found["Id"])
        return None

    def _make_base(self, content: str, progress: Callable[[str], None]) -> str:
        reasons = []
        if base_image.can_bootstrap():
            try:
                return base_image.bootstrap(self._client, tuple(_labels(content).items()), progress)
            except ImageMissing as error:
                reasons.append(str(error))
        else:
            reasons.append("mmdebstrap is not installed")
        try:
            self._ensure(base_image.PULLED, progress)
            dockerfile = BuildFile("Dockerfile", base_image.dockerfile().encode(), False)
            return self._build(BASE, (dockerfile,), content, progress)
        except ImageMissing as error:
            reasons.append(str(error))
        raise ImageMissing(
            f"{PREFIX}{BASE} could not be made:\n" + "\n".join(f"  - {reason}" for reason in reasons),
            hint="install mmdebstrap (`apt-get install mmdebstrap`) and check that apt reaches its mirror, "
            f"or make `docker pull {base_image.PULLED}` work",
        )

    def _build(self, kind: str, files: Sequence[BuildFile], content: str, progress: Callable[[str], None]) -> str:
        """Run the engine's builder; the image's id. Raises ImageMissing with the builder's last lines."""
        said: deque[str] = deque(maxlen=_TAIL)
        with faults(f"building {PREFIX}{kind}"):
            answer = self._api.build(
                fileobj=io.BytesIO(context(files)),
                custom_context=True,
                rm=True,
                forcerm=True,
                decode=True,
                labels=_labels(content),
                tag=f"{PREFIX}{kind}:{content[:12]}",
            )
            journal = self._journal(kind)
            try:
                failure = self._follow(answer, said, journal, lambda line: progress(f"{PREFIX}{kind}: {line}"))
            except BaseException:
                answer.close()  # the engine ends the build when nobody listens
                self._clear(kind)
                raise
        image = self.digest(f"{PREFIX}{kind}:{content[:12]}")
        if failure or image is None:
            self._clear(kind)
            raise ImageMissing(
                f"{PREFIX}{kind} could not be built: {failure or 'no image came out'}\n" + "\n".join(said),
                hint=f"mend {self._folder / kind / 'Dockerfile'}, or check that the engine's network reaches "
                "the package mirror",
            )
        self._clear(kind)  # what an earlier build left, too
        return image

    def _follow(
        self, answer: Iterable[Mapping[str, Any]], said: deque[str], journal: Path, progress: Callable[[str], None]
    ) -> str:
        """Read the builder's answer to its end; what went wrong, or nothing. Images it makes go into the journal."""
        failure = ""
        for part in answer:
            if self._stopped():
                raise ImageMissing("building images was stopped, because another one failed or by hand")
            failure = str(part.get("error", "")).strip() or failure
            for line in str(part.get("stream", "")).splitlines():
                if line.strip():
                    said.append(line.rstrip())
                step, image = _STEP.match(line), _MADE.match(line)
                if step:
                    progress(f"step {step[1]} of {step[2]}: {step[3][:80]}")
                if image:
                    with journal.open("a") as file:
                        file.write(f"{image[1]}\n")
        return failure

    def _journal(self, kind: str) -> Path:
        """Where a build notes its intermediate images, until they are parts of its image or removed."""
        return self._cache / f"{kind}.building"

    def _clear(self, kind: str) -> list[str]:
        """Remove the intermediate images of builds that failed or were killed; their ids. Needs the kind's lock.

        What is in use, because the engine has not ended the build yet, stays in the journal.
        """
        journal, gone, busy = self._journal(kind), list[str](), False
        if not journal.is_file():
            return []
        for image in reversed(journal.read_text().split()):
            found = self._inspect(image)
            if found and not found.get("RepoTags"):
                try:
                    self._api.remove_image(found["Id"])
                    gone.append(str(found["Id"]))
                except docker_errors.APIError as error:
                    busy = busy or _PART not in str(error.explanation)  # its build has not ended yet: next time
        if not busy:
            journal.unlink(missing_ok=True)
        return gone

    # ── everybody else's ─────────────────────────────────────────────────────────────────────────────────────

    def _fetch(self, named: Reference, progress: Callable[[str], None], registries: tuple[str, ...]) -> str:
        """Pull it. The engine fetches each layer once, whoever else wants it, so nobody waits for another's pull."""
        shown = named.familiar
        kind = _kind(shown)
        if shown.startswith((PREFIX, TOOLS)):
            close = get_close_matches(kind or "", self.kinds(), 1)
            raise ImageMissing(
                f"there is no image {shown}, and nothing to build it from in {self._folder}",
                hint=f"did you mean {PREFIX}{close[0]}?" if close else "add a folder with a Dockerfile there",
            )
        if wrong := unlisted(named, registries):
            raise Refused(
                f"{shown} is not here and is not pulled: {wrong}",
                hint="name another image, or have who runs this add the registry to JOINTRANGE_REGISTRIES",
            )
        progress(f"{shown}: pulling")
        failure = pull(self._api, named, self._stopped)
        image = self._named(named)
        if failure or image is None:
            raise ImageMissing(
                f"{shown} is not here and cannot be pulled: {failure}",
                hint=f"make `docker pull {shown}` work, or bring it with `docker load`",
            )
        return image

    def _stopped(self) -> bool:
        """Whether nobody waits for what is made here any more."""
        return self._stop.is_set() or self._ended.is_set()

    def _named(self, named: Reference) -> str | None:
        """The id of the image that has this very name: an engine also finds ids by what they begin with."""
        found = self._inspect(named.familiar)
        names = [*(found.get("RepoTags") or ()), *(found.get("RepoDigests") or ())] if found else []
        return str(found["Id"]) if found and named.familiar in names else None

    def _inspect(self, reference: str) -> Mapping[str, Any] | None:
        with faults(f"looking for {reference}"):
            try:
                found: Mapping[str, Any] = self._api.inspect_image(reference)
            except docker_errors.ImageNotFound:
                return None
            return found

    @contextmanager
    def _lock(self, name: str, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        """One maker of a kind at a time on this machine; freed by the kernel if its holder dies.

        Raises ImageMissing when it is stopped while another holds it, BlockingIOError when `how` is not to wait.
        """
        self._cache.mkdir(parents=True, exist_ok=True)
        with (self._cache / f"{name}.lock").open("w") as file:
            while True:
                try:
                    fcntl.flock(file, how | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if how & fcntl.LOCK_NB:
                        raise
                    if self._stopped():
                        raise ImageMissing(f"waiting for {PREFIX}{name}, which another makes, was stopped") from None
                    self._ended.wait(_POLL)  # flock tells nobody when it is free, and cannot be stopped
            yield


def build_files(folder: Path) -> tuple[BuildFile, ...]:
    """The files of a build folder, in order of name."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not LEAVINGS & set(relative.parts):
            executable = bool(path.stat().st_mode & 0o111)
            found.append(BuildFile(relative.as_posix(), path.read_bytes(), executable))
    return tuple(found)


def parents_of(files: Iterable[BuildFile]) -> tuple[str, ...]:
    """The images a build starts from: FROM, without `scratch` and the build's own stages."""
    text = next((file.content.decode("utf-8", "replace") for file in files if file.name == "Dockerfile"), "")
    found, stages = [], {"scratch"}
    for reference, stage in _FROM.findall(text):
        if reference.lower() not in stages and "$" not in reference:
            found.append(reference)
        stages.add(stage.lower())
    return tuple(dict.fromkeys(found))


def content_digest(files: Iterable[BuildFile], parents: Mapping[str, str]) -> str:
    """SHA-256 over the files (name, mode, content) and the digests of the images they build on."""
    hashed = sha256()
    for file in files:
        hashed.update(f"{file.name}\0{'x' if file.executable else '-'}\0{len(file.content)}\0".encode())
        hashed.update(file.content)
    for parent in sorted(parents):
        hashed.update(f"{parent}\0{parents[parent]}\0".encode())
    return hashed.hexdigest()


def context(files: Iterable[BuildFile]) -> bytes:
    """The build context as a tar, equal for equal files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size = len(file.content)
            entry.mode = 0o755 if file.executable else 0o644
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def _parsed(reference: str) -> Reference:
    """A reference of ours or of a document. Raises Refused."""
    try:
        return parse(reference)
    except ValueError as error:
        raise Refused(str(error), hint="an image has a name, e.g. `jointrange/base`") from None


def _kind(reference: str) -> str | None:
    """`web` for `jointrange/web` and `jointrange/web:latest`; None for any other reference."""
    match = re.fullmatch(re.escape(PREFIX) + r"([a-z0-9][a-z0-9._-]*)(?::latest)?", reference)
    return match[1] if match else None


def _labels(content: str) -> dict[str, str]:
    return {labels.KIND: KIND_IMAGE, CONTENT: content}
