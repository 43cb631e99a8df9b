"""Flags and help of each command."""
