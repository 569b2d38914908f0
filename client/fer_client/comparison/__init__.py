"""Two results side by side: `sides` and their `series`, the `bootstrap`, `comparison`, then table, picture and page."""
