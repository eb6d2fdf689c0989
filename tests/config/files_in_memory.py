"""Files for ``load`` that are never on a disk."""

from errno import ENOENT
from fnmatch import fnmatchcase

from resolver.config.load import LoadedConfig, load

PULLED = "policy/config.toml"


class InMemory:
    def __init__(self, files: dict[str, str | bytes]) -> None:
        self.files = files

    def read(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(ENOENT, "No such file or directory", path)
        content = self.files[path]
        return content.decode() if isinstance(content, bytes) else content

    def glob(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if fnmatchcase(path, pattern))

    def pulled(self, _: str) -> str:
        return PULLED


def load_text(text: str | bytes, **others: str | bytes) -> LoadedConfig:
    """Load a text as config.toml, beside files such as ``more`` (more.toml)."""
    files = {f"{name}.toml": content for name, content in others.items()}
    return load("config.toml", InMemory({"config.toml": text, **files}))


def messages(loaded: LoadedConfig) -> list[str]:
    return [str(problem) for problem in loaded.problems]
