"""Block lists: their formats, and the rules that they hold. Pure."""
