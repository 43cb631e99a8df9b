"""The sans-I/O session core: audio positions in, windows out; hypotheses in, events out."""
