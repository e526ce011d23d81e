"""`python -m range` is `jointrange`.

Knows: the program. Must never: do anything else.
"""

from range.cli.app import main

if __name__ == "__main__":
    main()
