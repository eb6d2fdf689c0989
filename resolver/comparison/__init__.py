"""What changes from one policy to another: in what they say, and for what was asked. Pure."""
