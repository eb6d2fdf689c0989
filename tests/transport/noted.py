"""A reader of a stream that notes what comes."""

from resolver.transport.loop import Loop
from resolver.transport.stream import MessageStream


class Noted(MessageStream):
    """A connection that notes what the loop reports."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop)
        self.events: list[object] = []

    def received(self) -> None:
        while (message := self.next_message()) is not None:
            self.events.append(message)

    def ended(self) -> None:
        self.events.append("ended")

    def drained(self) -> None:
        self.events.append("taken")

    def lost(self) -> None:
        self.events.append("lost")
