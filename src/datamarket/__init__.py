"""A city's public-data marketplace, simulated but complete: from operation zone to subsidy award.

Read the slices in the order of the market (each may use only those after it):
simulation · portal · statistics · subsidy · trading · contracts · catalogue · zones, ledger ·
participants · evidence · auth · foundation.
"""

__version__ = "0.1.0"
