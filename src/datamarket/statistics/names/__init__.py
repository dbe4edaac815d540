"""What ids are called: names of things of every slice in one answer, so that no reader is shown an id.

name = 名称 · id = 标识

Invariants
- a thing is named to whoever may read it, or reads its name in what they may read; an id of anything else is left out
- one statement, however many kinds there are

Uses: every slice below it, reading only.
"""
