"""What goes on in a thread of its own beside a load, while it is entered."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class Beside(ABC):
    """Begins when it is entered and has ended when it is left."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Go on until it is to stop."""
