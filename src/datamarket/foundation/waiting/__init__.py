"""How long anything waits for the database, and what it means when the wait was in vain."""
