"""Concept names for tests: long and short, one beginning another."""

WORDS = [
    "dog",
    "cat",
    "baseball",
    "baseball glove",
    "hot-air balloon",
    "bee",
    "mouse",
    "fire alarm",
    "sea urchin",
    "cup",
]
