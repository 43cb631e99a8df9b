"""Which windows of all streams the model takes next: pure, the time is told."""
