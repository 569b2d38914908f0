"""A small face detector on luma: its data, its network, its training and its figures."""
