"""The main job: a new market, a year of trade, settled books, both subsidies explained; and what it prints."""
