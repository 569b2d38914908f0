"""The command `fer-client` and what a person sees of it."""
