"""A training run, from random or trained weights to `network.keras`."""
