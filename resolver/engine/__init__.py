"""One query from packet to reply: the order of all decisions, and the rate limits."""
