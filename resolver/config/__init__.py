"""config.toml: its model, how it is read and checked, and how an exemption is added."""
