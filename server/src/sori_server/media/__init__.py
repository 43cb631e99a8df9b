"""Encoded bytes to 16 kHz mono samples."""
