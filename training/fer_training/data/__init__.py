"""Datasets on disk, and batches for training made from them."""
