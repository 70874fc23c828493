"""How good and how fast the rollouts' parts are; `python -m tests.bench.rollouts`."""
