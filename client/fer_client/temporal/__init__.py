"""What answers mean over time: how long a frame stands, smoothing, episodes."""
