"""Types of what clients are given."""
