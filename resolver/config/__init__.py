"""What config.toml may say: its model, how it is read, and everything wrong with it at once."""
