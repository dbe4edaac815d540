"""Faults on purpose: what the market claims when things break, proved by breaking them, each with its control.

kills      PostgreSQL dies under load · workers  API processes die at every point of a request
frozen     PostgreSQL is stopped under load, and goes on after a while
tampering  a superuser rewrites a sealed market, by a table of deeds · restore  a dump becomes a market again
rewind     a base backup and the log become the books of one instant · clock  one of four clocks is an hour back
connections  fewer than are wanted · disk, wal  a disk fills up and is freed · power  the disk forgets the unforced
stand      the market of one experiment on a cluster of its own; traffic that asks it, oracle that judges
"""
