"""How long anything waits, for the database or for its turn, and what it means when the wait was in vain."""
