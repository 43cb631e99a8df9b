"""Streams without a server, for code without asyncio: arrays in, typed events out."""
