"""Benchmarks: our pages against the same pages over plain columns without audit, in one run on one machine."""
