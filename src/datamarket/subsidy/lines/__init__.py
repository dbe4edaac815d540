"""The lines of a run as their readers see them: the awards, why not, and what a reviewer must look at."""
