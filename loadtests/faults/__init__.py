"""Faults on purpose: what the market claims when things break, proved by breaking them, each with its control."""
