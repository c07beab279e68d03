"""A made-up provider of one folder: what it takes to add a service that is not Google's."""
