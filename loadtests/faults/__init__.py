"""Faults on purpose: what the market claims when things break, proved by breaking them, each with its control.

kills      PostgreSQL dies under load · workers  API processes die at every point of a request
frozen     PostgreSQL is stopped under load, and goes on after a while
tampering  a superuser rewrites a sealed market, by a table of deeds · restore  a dump becomes a market again
stand      the market of one experiment on a cluster of its own; traffic that asks it, oracle that judges
"""
