"""What serves or watches a page needs the extra `live`, which the base installation lacks."""

import importlib.util

if importlib.util.find_spec("uvicorn") is None:
    collect_ignore = ["test_browser.py", "test_page_in_browser.py", "test_pages.py", "test_session.py"]
