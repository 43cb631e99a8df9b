"""Sori with one thing turned off."""

import baseline  # noqa: F401 - what it does has to be done before numpy comes
