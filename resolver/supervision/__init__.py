"""The supervisor: workers started and watched, and one snapshot after another in all of them."""
