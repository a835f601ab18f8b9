"""Casework: encrypted asylum casework for organisations that help people who fled Russia."""
