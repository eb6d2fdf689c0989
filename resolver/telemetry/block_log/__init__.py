"""The block log: records made by workers, kept in files by the supervisor, for a while."""
