"""Predictions over time: how long each frame stands, smoothing, episodes."""
