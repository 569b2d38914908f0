"""Many videos, in one run or several at once: each exactly once in one table."""
