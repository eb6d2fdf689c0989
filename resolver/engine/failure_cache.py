"""Questions that could not be answered just now, so that they are not asked over and over."""

from collections import OrderedDict
from typing import Final

from resolver.engine.exchange import Failure

_MOST: Final = 10_000


class _Kept:
    __slots__ = ("failure", "until")

    def __init__(self, failure: Failure, until: float) -> None:
        self.failure = failure
        self.until = until


class FailureCache:
    """Failures by the key of their question (RFC 9520); times are in monotonic seconds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def get(self, key: bytes, now: float) -> Failure | None:
        """The failure that is still to be served, if there is one."""
        if not self._kept:
            return None
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now >= kept.until:
            del self._kept[key]
            return None
        return kept.failure

    def put(self, key: bytes, failure: Failure, until: float, now: float) -> None:
        """Serve a failure until a moment, unless one is served already."""
        if self.get(key, now) is None:
            self._kept[key] = _Kept(failure, until)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all, as when upstreams have changed."""
        self._kept.clear()
