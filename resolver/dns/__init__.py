"""Wire format."""
