"""Pages, read as a browser reads them."""
