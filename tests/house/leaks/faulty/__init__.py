"""Faults on demand, loaded by the leak test's own installation alone: each breaks with a secret in its hands."""
