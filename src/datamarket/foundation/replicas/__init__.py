"""Replicas of the database: what they may answer, and when."""
