"""What config.toml may say, and every error in it with file and line."""
