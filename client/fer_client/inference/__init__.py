"""Crops to the Triton server in batches, and its answers; where the server comes from."""
