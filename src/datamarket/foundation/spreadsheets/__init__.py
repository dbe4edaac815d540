"""Tables for people: cells that keep every fen, CSV, sheets of a workbook."""
