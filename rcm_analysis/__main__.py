"""`python -m rcm_analysis`."""

from .cli import main

if __name__ == "__main__":
    main()
