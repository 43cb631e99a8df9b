"""Load with many live streams: how many a server bears, at which latency, with nothing lost."""
