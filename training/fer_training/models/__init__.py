"""Architectures, and trained networks with their records."""
