"""The command line: flags in, one use-case called, one renderer called."""
