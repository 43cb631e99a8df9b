"""Values of the house: audio, configuration, requests, events, limits, errors. No I/O."""
