"""A source that goes on, analysed as it comes and shown on a local page."""
