"""The command line, as `python -m prefect`."""

from prefect.cli import main

if __name__ == "__main__":
    main()
