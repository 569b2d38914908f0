"""The backend `onnxruntime` for a Triton that lacks the native one: the same `config.pbtxt` runs on both.

Runs inside Triton's Python stub, one process per model instance, with NumPy and ONNX Runtime of the server's own
packages.
"""
