"""Put a config that a command has made in force, and write its files; or do neither."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from resolver.cli.server import PATIENCE, ask, policy_in_force
from resolver.errors import DarbanError
from resolver.files import atomic_file, make_directory, write_atomically
from resolver.snapshot.config_files import Texts, read_file, without_pulled
from resolver.supervisor import control


class Refused(Exception):
    """The server has not put the config in force."""


def activate(
    config: Path,
    texts: Texts,
    event: str,
    before: str,
    *,
    keep: bool = False,
    fetched: Texts | None = None,
) -> control.Answer:
    """The server's answer to a config with these files; they are written if it is in force.

    ``before`` is the hash of the snapshot that was in force when the texts were made. If another
    one is in force now, the server refuses. ``keep`` keeps each file that is replaced, as
    ``kept``. ``fetched`` names copies of fetched lists by their hashes, to be used as far as the
    server has them.

    Raises:
        DarbanError: a file cannot be written, or the server does not answer.
    """
    with suppress(Refused), _written_at_the_end(config, texts, keep=keep):
        given = {"texts": texts, "event": event, "before": before, "fetched": fetched}
        answer = ask(config, "activate", PATIENCE, **given)
        if answer["code"]:
            raise Refused
    if not answer["code"] and not _is_in_force(config, texts):
        answer = ask(config, "reload", PATIENCE)
    return answer


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


@contextmanager
def replaced(files: Mapping[Path, bytes | None]) -> Iterator[None]:
    """Replace or remove (None) other files for the body, and keep those before as ``kept``.

    Where the body raises, the files are as before.

    Raises:
        DarbanError: a file cannot be written.
    """
    paths = {_target(path): content for path, content in files.items()}
    before = {path: content_of(path) for path in paths}
    try:
        for path, content in paths.items():
            _put(path, content)
        yield
    except BaseException as error:
        for path, content in before.items():
            _put(path, content)
        if isinstance(error, OSError):
            raise DarbanError(f"{error.filename} cannot be written ({error.strerror})") from None
        raise
    for path, content in before.items():
        if content is not None and content != paths[path]:
            _put(kept(path), content)


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        make_directory(path.parent)
        write_atomically(path, content)


def kept(file: Path) -> Path:
    """Where ``activate`` keeps a file that it replaces."""
    return file.with_name(f"{file.name}.old")


@contextmanager
def _written_at_the_end(config: Path, texts: Texts, *, keep: bool) -> Iterator[None]:
    """Write the files aside; they get their names if the body ends well."""
    contents = {_target(config.parent / file): text.encode() for file, text in texts.items()}
    try:
        before = {path: content_of(path) for path in contents}
        with ExitStack() as aside:
            for path, content in contents.items():
                if before[path] != content:
                    _write(aside, path, content, before[path] if keep else None)
            yield
            for path in contents:
                if content_of(path) != before[path]:
                    raise DarbanError(
                        f"{path} was edited meanwhile, and stays as it is now; what is in force "
                        "differs, and 'darban diff' shows how"
                    )
    except OSError as error:
        file = error.filename or config
        raise DarbanError(f"{file} cannot be written ({error.strerror})") from None


def _target(path: Path) -> Path:
    """The file to write. A link is followed only if root or this user has made it.

    Others may be able to write in the folder, and root must not write where they choose.
    """
    if path.is_symlink() and path.lstat().st_uid not in (0, os.geteuid()):
        raise DarbanError(f"{path} is a link that another user has made; replace it by a file")
    return path.resolve()


def content_of(path: Path) -> bytes | None:
    """The content of a file; None where there is none.

    Raises:
        DarbanError: the file cannot be read.
    """
    try:
        return read_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DarbanError(f"{path}: {error.strerror}") from None


def _write(aside: ExitStack, path: Path, content: bytes, old: bytes | None) -> None:
    """Write a file aside, and ``old`` as what is kept; both get their names with ``aside``."""
    files = [(aside.enter_context(atomic_file(path)), content)]
    if old is not None:
        file = aside.enter_context(atomic_file(kept(path)))
        os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
        files.append((file, old))
    for file, octets in files:
        file.write(octets)
        file.flush()
