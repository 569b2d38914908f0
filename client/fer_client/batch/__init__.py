"""Many videos, here or over many processes and machines: each exactly once in the results."""
