"""All SQL: one function is one use case."""
