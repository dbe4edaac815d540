"""What changes on a registered resource: amended content, and its level assessed anew.

level assessment = 分级评估
"""
