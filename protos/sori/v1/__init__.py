"""The gRPC contract of Sori; see `speech.proto` beside this file."""
