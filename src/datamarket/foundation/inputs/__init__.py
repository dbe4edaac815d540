"""What a caller sends, as far as it may be taken: cursors that are ours, text that can be seen."""
