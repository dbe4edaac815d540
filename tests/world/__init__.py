"""Builders that go through the real actions: a test's world is made as the market makes it."""
