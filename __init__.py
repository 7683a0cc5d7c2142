"""Triadic: how human-like are a language model's concepts, and which of its ingredients made them so?"""

__version__ = "0.1.0"
