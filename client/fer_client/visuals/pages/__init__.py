"""Parts of which self-contained pages are made: packed data, a template with all it needs inline, Bokeh's figures."""
