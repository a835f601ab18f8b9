"""A small application with sealed models, for the tests of `casework.crypto.fields` alone. Its people are invented."""
