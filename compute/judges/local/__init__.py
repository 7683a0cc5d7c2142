"""Models that are loaded here, through transformers."""
