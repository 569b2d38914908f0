"""Run NVIDIA's Triton Inference Server on a plain Linux machine: no Docker, no GPU, one command.

Imports nothing but the standard library; the server's own packages live in a folder of their own.
"""
