"""Metrics on other draws: shuffled concepts, resampled concepts, refits to other answers."""
