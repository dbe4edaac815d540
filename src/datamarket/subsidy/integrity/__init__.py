"""What only looks like a trade or a cost: found by detectors, confirmed or dismissed by a person, and only then left out of a base.

flag = 诚信疑点 · detector = 侦测规则 · evidence = 依据 · sales of a flag = 疑点所涉交易

A detector is a named, versioned statement with parameters in a dated file. What it finds is a flag with its evidence; the
same finding is one flag, however often it is looked for. Nothing here changes a base but a flag that somebody confirmed.

Uses: auth, evidence, foundation. Its statements also read the rows of trading, participants, and of applications and what they declare.
"""
