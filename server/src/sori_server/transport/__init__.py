"""Thin doors to the runtime: parse, map errors, nothing else."""
