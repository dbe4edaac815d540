"""Tables for people: read as offices write them, and written with cells that keep every fen."""
