"""What people read: counts in English texts, dates of the solar Hijri calendar."""
