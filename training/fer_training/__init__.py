"""Training of expression networks: data preparation, architectures, recipes, evaluation, prediction."""
