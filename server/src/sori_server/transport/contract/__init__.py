"""The contract as Python sees it: its messages to domain values and back, for every door."""
