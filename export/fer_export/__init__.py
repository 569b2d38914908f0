"""Turns a trained Keras network into the model repository that Triton serves, and checks repositories."""
