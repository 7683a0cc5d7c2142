"""The stages of the pipeline: each reads tables and writes tables, and does nothing twice."""
