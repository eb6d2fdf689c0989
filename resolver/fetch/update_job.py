"""Lists that are updated together, and the results."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from resolver.lists.rules import HeldChange
from resolver.policy.settings import Subscription
from resolver.snapshot.list_store import ListRecord, ListStore


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """The result of the update of a list."""

    result: Literal["updated", "unchanged", "held", "failed"]
    entries: int
    """Names that its copy blocks now."""
    reason: str = ""
    """Why the update failed, is held, or is not in force."""
    held: HeldChange | None = None
    """The change that is held until a person accepts it; None where expectations hold it."""


@dataclass(slots=True)
class UpdateJob:
    """Lists that are updated together, and the results."""

    names: list[str]
    results: dict[str, UpdateResult] = field(default_factory=dict)

    def updated(self) -> list[str]:
        """The lists that have a new copy."""
        return [name for name, result in self.results.items() if result.result == "updated"]

    def hold(
        self,
        store: ListStore,
        before: Mapping[Subscription, ListRecord],
        lists: Collection[str],
        reason: str,
    ) -> bool:
        """Restore the copies before the new ones of those lists by which expectations fail.

        The rest is as for ``take_back``. Returns whether any of them has a new copy.
        """
        held = [
            subscription
            for subscription in before
            if subscription.name in lists and subscription.name in self.updated()
        ]
        for subscription in held:
            record = before[subscription]
            record.begin(subscription)
            record.failures, record.error, record.breaks = 0, "", reason
            store.restore_previous(subscription.name, record)
            self.results[subscription.name] = UpdateResult("held", record.entries, reason)
        return bool(held)

    def take_back(
        self, store: ListStore, before: Mapping[Subscription, ListRecord], reason: str
    ) -> None:
        """Restore the copies before the new ones, with which expectations fail.

        Args:
            store: Where the copies are.
            before: The lists, and their records before the update.
            reason: Why the new copies are not put in force.
        """
        updated = self.updated()
        for subscription, record in before.items():
            if subscription.name in updated:
                record.begin(subscription)
                record.failures += 1
                record.error = f"not put in force: {reason}"
                store.restore_previous(subscription.name, record)
                self.results[subscription.name] = UpdateResult(
                    "failed", record.entries, record.error
                )
