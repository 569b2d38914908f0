"""Thin client: a video in, a table of facial expressions over time out, computed by a Triton server."""
