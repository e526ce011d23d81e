"""`python -m range` is `jointrange`."""

from range.cli.app import main

if __name__ == "__main__":
    main()
