"""Headless Chromium, told what to do by its DevTools protocol over a pair of pipes.

Pipes rather than a port: they lead into a network namespace as well. What is said is one
JSON object and a zero octet; a page is a session of its own within the browser's.
"""

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.fake_clock import real_clock

_PATIENCE = 30.0
_PHONE = 600
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-features=Translate,MediaRouter,OptimizationHints", "--hide-scrollbars"),
    *("--no-default-browser-check", "--remote-debugging-pipe", "--force-color-profile=srgb"),
)
_WITH_PIPES = 'exec "$@" 3<&{read} 4>&{write}'
_FIND_TEXT = "(document.body ? document.body.innerText : '')"


class Browser:
    """One process of Chromium."""

    def __init__(self, process: subprocess.Popen[bytes], say: int, hear: int) -> None:
        self._process = process
        self._say, self._hear = say, hear
        self._heard = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        """Have something done, and wait until it is."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._say, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, event: str, session: str) -> None:
        """Wait until something happens in a page, or has since this was last asked."""
        while True:
            happened = [table for table in self.events if table.get("method") == event]
            if any(table.get("sessionId") == session for table in happened):
                self.events = [table for table in self.events if table not in happened]
                return
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._heard:
            ready, _, _ = select.select([self._hear], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium says nothing"
            octets = os.read(self._hear, 1 << 20)
            assert octets, f"Chromium has ended with {self._process.wait(10)}"
            self._heard += octets
        message, _, self._heard = self._heard.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def open(
        self,
        url: str,
        *,
        size: tuple[int, int] = (1440, 900),
        dark: bool = False,
        language: str = "en",
        script: bool = True,
    ) -> "Page":
        """A page in a tab of its own, as soon as it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        page.call("Page.enable")
        page.resize(*size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Emulation.setScriptExecutionDisabled", value=not script)
        agent = self.call("Browser.getVersion")["userAgent"]
        page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        page.go(url)
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **params: object) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def go(self, url: str) -> None:
        """Go to an address, and wait until it has loaded; that of an error's page counts too."""
        self.error = self.call("Page.navigate", url=url).get("errorText", "")
        self._browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, script: str) -> Any:  # noqa: ANN401 - JSON has any shape
        """What a script gives, awaited where it is a promise."""
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    @property
    def text(self) -> str:
        """What can be read on it."""
        text: str = self.evaluate(_FIND_TEXT)
        return text

    def picture(self) -> bytes:
        """A PNG of what its window shows."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        """The page as it is printed, in the size that its style asks for."""
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        return base64.b64decode(printed["data"])

    def resize(self, width: int, height: int) -> None:
        """Give its window a size; a narrow one is a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < _PHONE,
        )

    def show_all(self) -> None:
        """Make its window as high as the page is."""
        width, height = self.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        self.resize(width, height)

    def press(self, key: str) -> None:
        """Press a key that gives no letter, such as Tab."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def write(self, text: str) -> None:
        """Type a text."""
        self.call("Input.insertText", text=text)

    def wait_until_loaded(self) -> None:
        """Wait until what a key or a link led to has loaded."""
        self._browser.wait_for("Page.loadEventFired", self._session)

    def is_wider_than_its_window(self) -> bool:
        """Whether it has to be scrolled sideways."""
        return bool(self.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def close(self) -> None:
        self.call("Page.close")


@contextmanager
def chromium(
    program: Path, profile: Path, through: Sequence[str] = (), *more: str
) -> Iterator[Browser]:
    """Chromium with a profile of its own, perhaps within a namespace."""
    theirs_in, say = map(_high, os.pipe())
    hear, theirs_out = map(_high, os.pipe())
    shell = ["bash", "-c", _WITH_PIPES.format(read=theirs_in, write=theirs_out), "bash"]
    command = [*through, *shell, str(program), *_FLAGS, f"--user-data-dir={profile}", *more]
    with (profile.parent / "chromium.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env=real_clock(),
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(process, say, hear)
    finally:
        os.close(say)  # Chromium ends with its pipe
        os.close(hear)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _high(end: int) -> int:
    """The same end of a pipe under a number that is not one of Chromium's."""
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved
