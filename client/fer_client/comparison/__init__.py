"""Two results side by side: `statistics` and what they stand on, `comparison`, then table, picture and page of it."""
