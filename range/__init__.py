"""Jointrange's core: a library that turns a topology file into a cyber range, attacks it, and judges the defence.

The package shadows the builtin `range`, so it is never imported as a name: write `from range import lab` or
`from range.lab import launch`, never `import range`. Importing this package imports nothing else.
"""

__version__ = "0.1.0"
