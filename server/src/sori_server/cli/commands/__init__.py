"""Flags and help of each command; `flags` has those of all that recognize speech."""
