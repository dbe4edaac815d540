"""What a run stands on: named, versioned statements over the market, or files of an office; frozen as a snapshot.

snapshot = 快照
"""
