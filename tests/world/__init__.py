"""Builders of markets, through the real actions: for tests, for the bench and for the proofs by fault."""

from datamarket import slices

slices.files("tables")  # rows refer to rows of other rooms: each must be known before the first is written
