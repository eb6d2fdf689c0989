"""The policy from git: fetching, verifying, and putting a commit in force."""
