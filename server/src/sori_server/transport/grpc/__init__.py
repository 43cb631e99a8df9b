"""The gRPC door: `sori.v1.SpeechService`, health and reflection."""
