"""`sori eval`: recordings with transcripts, offline and live, and how far both are apart."""
