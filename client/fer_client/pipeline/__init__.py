"""The stages run together: at once, in order and with bounded memory."""
