"""The fabric's hands: copied into every fabric container, and fed one JSON request at a time.

Stdlib only; imports nothing of `range` but itself, so that the folder alone runs inside the container.
"""
