"""The command `fer-train` and what a person sees of it."""
