"""Put a config that a command has made in force, and write its files; or do neither."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from resolver import DarbanError
from resolver.cli.server import PATIENCE, ask, policy_in_force
from resolver.metrics.part import Answer
from resolver.snapshot.config_files import Texts, read_file, without_pulled
from resolver.system.folder import Folder


class Refused(Exception):
    """The server has not put the config in force."""


def activate(
    config: Path,
    texts: Texts,
    event: str,
    before: str,
    *,
    keep: bool = False,
    accept: bool = False,
) -> Answer:
    """The server's answer to a config with these files; they are written if it is in force.

    ``before`` is the hash of the snapshot that was in force when the texts were made. If another
    one is in force now, the server refuses. ``keep`` keeps each file that is replaced, as
    ``kept``. ``accept`` accepts what lists have lost.

    Raises:
        DarbanError: a file cannot be written, or the server does not answer.
    """
    with _undisturbed(), suppress(Refused), _written_at_the_end(config, texts, keep=keep):
        given = {"texts": texts, "event": event, "before": before}
        answer = ask(config, "activate", PATIENCE, **given, accept=accept)
        if answer["code"]:
            raise Refused
    if not answer["code"] and not _is_in_force(config, texts):
        answer = ask(config, "reload", PATIENCE, accept=accept)
    return answer


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that end a command wait, such as that of a lost terminal, for the body's end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def _is_in_force(config: Path, texts: Texts) -> bool:
    """Whether a server has these files in force.

    A reload that read the files before they were written has undone the activation.
    """
    sources = policy_in_force(config).sources
    return sources is not None and without_pulled(config, sources.texts) == texts


def write(config: Path, texts: Texts) -> None:
    """Write the files of a config whose server does not run; DarbanError where that fails."""
    with _written_at_the_end(config, texts, keep=False):
        pass


def texts_as(config: Path, texts: Texts) -> dict[str, str]:
    """Texts of a config as those of another in its folder, without what comes from git."""
    first, *included = without_pulled(config, texts).items()
    return {config.name: first[1], **dict(included)}


def kept(file: str) -> str:
    """Where ``activate`` keeps a file that it replaces."""
    return f"{file}.old"


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    """Turn an OSError into a DarbanError; it is about ``path`` where it names no file."""
    try:
        yield
    except OSError as error:
        file = error.filename or path
        raise DarbanError(f"{file} cannot be written ({error.strerror})") from None


@contextmanager
def _written_at_the_end(config: Path, texts: Texts, *, keep: bool) -> Iterator[None]:
    """Write the files under temporary names; they get their own if the body ends well."""
    folder = Folder(config.parent)
    before = {file: content_of(config, file) for file in texts}
    with _reporting(config), ExitStack() as temporary:
        for file, text in texts.items():
            if before[file] != text.encode():
                _write(temporary, folder, file, text.encode(), before[file] if keep else None)
        yield
        for file in texts:
            if content_of(config, file) != before[file]:
                raise DarbanError(
                    f"{config.parent / file} was edited meanwhile, and stays as it is now; what is "
                    "in force differs, and 'darban diff' shows how"
                )


def content_of(config: Path, file: str) -> bytes | None:
    """The content of a file, by its path relative to the config's folder; None if there is none.

    Raises:
        DarbanError: the file cannot be read.
    """
    path = config.parent / file
    try:
        return read_file(config, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DarbanError(f"{path}: {error.strerror}") from None


def _write(
    temporary: ExitStack, folder: Folder, file: str, content: bytes, old: bytes | None
) -> None:
    """Write a file, and ``old`` as what is kept; both get their names with ``temporary``."""
    files = [(temporary.enter_context(folder.atomic_file(file)), content)]
    if old is not None:
        files.append((temporary.enter_context(folder.atomic_file(kept(file), like=file)), old))
    for opened, octets in files:
        opened.write(octets)
        opened.flush()
        os.fsync(opened.fileno())
