#!/bin/sh
# Any file that ffmpeg reads, as live text: ./websocat.sh FILE [ws://localhost:8765]
# At the end of the file websocat sends a Close frame; the last words come before the answer.
ffmpeg -nostdin -loglevel error -i "$1" -f f32le -ar 16000 -ac 1 - |
	websocat --binary "${2:-ws://localhost:8765}"
