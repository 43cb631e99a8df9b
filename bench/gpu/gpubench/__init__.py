"""Measures a GPU with Whisper models of random weights: their speed is that of trained ones."""
