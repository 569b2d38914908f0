"""What an analysis costs here: time, processor time, memory, and how long a frame takes through it."""
