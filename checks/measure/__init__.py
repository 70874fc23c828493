"""Figures from plain arrays: pure, seeded, vectorised numpy. Nothing here reads or judges."""
