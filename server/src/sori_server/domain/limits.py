"""Every bound and deadline of the server, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of queues, sizes and waits. Durations are seconds, sizes bytes."""

    max_streams: int = 100
    """Live streams served at a time; one more is refused with RESOURCE_EXHAUSTED."""
    max_batch_streams: int = 16
    """Batch streams served at a time, recordings and uploads included, besides `max_streams`:
    they get what live streams leave."""
    max_calls_per_peer: int = 256
    """gRPC calls of one address, streams or not; behind a proxy all have its address."""
    max_metadata_bytes: int = 16 * 1024
    """Metadata of one gRPC call; more ends it with RESOURCE_EXHAUSTED."""
    retry_delay: float = 1.0
    """Told to refused clients in RetryInfo."""
    max_session_duration: float = 4 * 3600.0
    """Audio one stream may send."""
    idle_timeout: float = 60.0
    """Time a stream may go without any client message."""
    config_timeout: float = 10.0
    """Time a new stream has to send its config."""
    write_timeout: float = 10.0
    """Time a client may take to accept one response."""
    resume_window: float = 30.0
    """Time a session that can be resumed waits for its client, and longest one it may ask for."""
    max_detached_sessions: int = 100
    """Sessions that wait for their clients at a time; the oldest is given up for one more."""
    max_unacknowledged: int = 256
    """Responses kept for a resume, above which the server reads no more audio."""
    keepalive_interval: float = 12.0
    """Time without any bytes from a client after which it is pinged."""
    ping_timeout: float = 5.0
    """Time a client may take to answer a ping; then it is dead."""
    upstream_timeout: float = 5.0
    """Time the server behind a bridge may take to connect, and to answer a question or a config."""
    min_ping_interval: float = 5.0
    """Clients may ping this often without being cut off."""
    half_close_grace: float = 0.02
    """Wait after an end of stream without `EndOfAudio`: a lost client is noticed by then."""
    max_config_bytes: int = 16 * 1024
    """Largest config message."""
    max_request_id: int = 256
    """Longest `Finalize.request_id`, in characters."""
    max_chunk_bytes: int = 256 * 1024
    """Largest `AudioChunk.data`."""
    max_buffered_audio: float = 60.0
    """Audio received but not yet recognized, above which the server stops reading."""
    max_pending_events: int = 256
    """Responses waiting for a slow client, above which the server stops reading from it."""
    max_recordings: int = 8
    """Recordings received or recognized at a time: each may fill `max_recording_bytes`."""
    max_recording_bytes: int = 4 * 1024 * 1024
    """Largest `RecognizeRequest`, and so largest message of any gRPC call: gRPC has one bound for
    all, and each stream may make the server hold that much of a message that never ends."""
    max_recording_duration: float = 600.0
    """Longest recording for `Recognize`."""
    max_connections: int = 1024
    """Connections to each port at a time; one more is closed."""
    max_connections_per_peer: int = 256
    """Those of one address; behind a proxy all have its address."""
    header_timeout: float = 10.0
    """Time a connection has for its handshake, one to the bridge for the head of a request, too;
    that may stay without one so long."""
    idle_connection_timeout: float = 300.0
    """Time a gRPC connection may stay without a call; its client connects again for the next."""
    body_grace: float = 10.0
    """Time after which the body of a request must have come at `min_body_rate`."""
    min_body_rate: float = 8192.0
    """Bytes a second below which the body of a request counts as not coming."""
    close_timeout: float = 5.0
    """Time a WebSocket client may take to answer a close."""
    max_frame_bytes: int = 4 * 1024 * 1024
    """Largest WebSocket message."""
    max_control_bytes: int = 64 * 1024
    """Largest WebSocket message of text."""
    max_upload_bytes: int = 25 * 1024 * 1024
    """Largest file posted to the HTTP API."""
    max_uploads: int = 8
    """Files received or recognized over HTTP at a time, each spooled to disk."""
    max_form_bytes: int = 64 * 1024
    """All other fields of a form together."""
    max_form_parts: int = 256
    max_languages: int = 16
    """Candidates in `language_codes`."""
    max_beam_size: int = 10
    max_prompt_characters: int = 1000
    """Longest `Adaptation.initial_prompt`: Whisper reads its last 200 tokens or so."""
    max_hotwords: int = 100
    max_hotword_characters: int = 600
    """Characters of all hotwords together."""
    max_replacements: int = 200
    max_replacement_characters: int = 200
    """Longest side of one replacement."""
    max_decoders: int = 32
    """Containers decoded at a time, each in a process of its own."""
    decoder_memory_bytes: int = 768 * 1024 * 1024
    """Address space of a decoder process."""
    decoder_start_timeout: float = 10.0
    """Longest a decoder process may take until it reads."""
    decoder_timeout: float = 10.0
    """Longest a decoder may take over one message before its audio counts as undecodable."""
    max_seekable_bytes: int = 32 * 1024 * 1024
    """Largest M4A whose index comes last: it is decoded when it is complete."""
    decoder_leeway: float = 60.0
    """Seconds of audio a container may always hold."""
    min_bytes_per_second: float = 20.0
    """Bytes a container has at least for each second above `decoder_leeway`; fewer are a bomb.

    Digital silence of FLAC at 8 kHz has 23, of Opus 26 or more, a bomb of FLAC 4.
    """
    final_deadline: float = 0.35
    """Target from endpoint decision to final result; the scheduler orders by it."""
    max_final_delay: float = 0.5
    """Predicted time from endpoint decision to final result above which new streams are refused;
    infinite for nobody, not even where there is more work than the machine can do."""
    late_final: float = 3.0
    """Time from endpoint decision to final result after which the client is told of the delay."""
    max_gateway_load: float = 0.85
    """Share of one processor core that the gateway is predicted to need above which new streams
    are refused: Python runs one thread at a time. Infinite for nobody."""
    max_batch: int = 16
    """Windows encoded in one model call."""
    max_decode_batch: int = 48
    """Windows decoded in one model call."""
    max_call_time: float = 0.15
    """Predicted length of a model call above which its windows are split into several."""
    max_pending_windows: int = 4096
    """Windows waiting in the scheduler over all streams; each reads on within its share."""
    batch_patience: float = 5.0
    """Time a window of a batch stream waits until one call of such windows goes before live ones;
    at most one call does in that time."""
    batch_timeout: float = 120.0
    """Longest one batch may run before its worker counts as hung."""
    worker_start_timeout: float = 300.0
    """Longest a worker may take to load its model."""
    worker_stop_timeout: float = 5.0
    """Longest a worker may take to leave when told; it is killed then."""
    max_worker_restarts: int = 5
    """Restarts in a row, without a batch done in between, before the engine gives up."""
    drain_grace: float = 5.0
    """After SIGTERM, time in which streams may end by themselves before finals are forced."""
    flush_timeout: float = 30.0
    """Longest the forced finals of a drain may take."""

    @property
    def windows_per_stream(self) -> int:
        """Windows of one stream above which the server stops reading from it.

        Half its share of `max_pending_windows`: a second of audio read at once may end
        several utterances.
        """
        streams = self.max_streams + self.max_batch_streams
        return max(self.max_pending_windows // (2 * streams), 1)
