"""The policy for other resolvers."""
