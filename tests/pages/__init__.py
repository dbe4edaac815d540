"""Pages in a real browser; run by `make test-pages`, not by `make test`."""
