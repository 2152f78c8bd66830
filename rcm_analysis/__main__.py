"""`python -m rcm_analysis`."""

from .cli.app import main

if __name__ == "__main__":
    main()
