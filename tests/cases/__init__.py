"""The policy staff's worked examples, the schemes that only tests use, and builders for candidates."""
