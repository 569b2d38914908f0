"""Triton backends that `fer-server` adds to those of the `nvidia-pytriton` wheel."""
