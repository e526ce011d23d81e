"""From trials to a decision, in this order: attribution, verdict, score, comparing, gates, result. Pure.

The same trials and rules give the same result, byte for byte, on any machine.
"""
