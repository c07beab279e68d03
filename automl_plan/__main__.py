"""`python -m automl_plan`."""

from automl_plan.cli.start import main

if __name__ == "__main__":
    main()
