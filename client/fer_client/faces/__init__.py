"""Where the faces of a frame are, which of them belong together over time, and their upright crops."""
