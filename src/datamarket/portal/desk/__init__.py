"""The desk: what waits for whoever is signed in, and every list and thing that the API shows to them.

desk = 工作台

Invariants
- `/desk` + a path of the API reads it; nothing is shown that the API does not answer
- what may be done with a thing is what `allowed-events` says

Uses: portal.
"""
