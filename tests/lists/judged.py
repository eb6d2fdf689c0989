"""What the rules of one list say of a name, without a policy."""

from resolver.lists.rules import BlockList
from resolver.policy.index import RuleMatch


def is_blocked(block_list: BlockList, hits: list[RuleMatch]) -> bool:
    """Whether a list blocks a name, by its rules that cover the name."""
    if block_list.longest_match and hits:
        return not max(
            hits, key=lambda hit: (len(hit.key), not hit.subtree, hit.exception)
        ).exception
    return bool(hits) and not any(hit.exception for hit in hits)
