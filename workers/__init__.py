"""Claims runs and builds, executes them through the keeper, and finishes them."""
