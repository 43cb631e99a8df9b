#!/bin/sh
# Any recording, as text: ./curl.sh FILE [http://localhost:8765]
file=$1 server=${2:-http://localhost:8765}
set -e

curl --fail-with-body -sS "$server/transcribe" -F audio=@"$file"
echo
# What programs made for OpenAI's API send:
curl --fail-with-body -sS "$server/v1/audio/transcriptions" -F file=@"$file" -F model=whisper-1 -F response_format=srt
curl --fail-with-body -sS "$server/v1/audio/translations" -F file=@"$file" -F model=whisper-1 -F response_format=text
