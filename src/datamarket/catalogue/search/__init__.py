"""Finding a listing: every word and every run of Chinese that is asked for, filters, four orders."""
