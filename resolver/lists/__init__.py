"""Block lists: formats, rules, and the compiled index that the rules become. Pure."""
