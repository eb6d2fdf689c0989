"""The policy for other resolvers: response policy zones (RPZ), served by Knot DNS."""
