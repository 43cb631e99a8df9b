import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_ENCODING_UNSPECIFIED: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_LINEAR16: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_FLOAT32: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_MULAW: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_ALAW: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_WAV: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_FLAC: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_OGG_OPUS: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_WEBM_OPUS: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_MP3: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_M4A: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_CONTAINER: _ClassVar[AudioEncoding]

class ChannelMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_MODE_UNSPECIFIED: _ClassVar[ChannelMode]
    CHANNEL_MODE_MIX: _ClassVar[ChannelMode]
    CHANNEL_MODE_SEPARATE: _ClassVar[ChannelMode]

class EndpointingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENDPOINTING_MODE_UNSPECIFIED: _ClassVar[EndpointingMode]
    ENDPOINTING_MODE_VAD: _ClassVar[EndpointingMode]
    ENDPOINTING_MODE_CLIENT: _ClassVar[EndpointingMode]
    ENDPOINTING_MODE_FIXED: _ClassVar[EndpointingMode]

class PacingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PACING_STATE_UNSPECIFIED: _ClassVar[PacingState]
    PACING_STATE_OK: _ClassVar[PacingState]
    PACING_STATE_SLOW_DOWN: _ClassVar[PacingState]
    PACING_STATE_PAUSE: _ClassVar[PacingState]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_LIVE: _ClassVar[Priority]
    PRIORITY_BATCH: _ClassVar[Priority]

class Task(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_UNSPECIFIED: _ClassVar[Task]
    TASK_TRANSCRIBE: _ClassVar[Task]
    TASK_TRANSLATE: _ClassVar[Task]

class FinalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINAL_REASON_UNSPECIFIED: _ClassVar[FinalReason]
    FINAL_REASON_ENDPOINT: _ClassVar[FinalReason]
    FINAL_REASON_FINALIZE: _ClassVar[FinalReason]
    FINAL_REASON_MAX_UTTERANCE: _ClassVar[FinalReason]
    FINAL_REASON_END_OF_AUDIO: _ClassVar[FinalReason]
    FINAL_REASON_SERVER: _ClassVar[FinalReason]
    FINAL_REASON_CHUNK: _ClassVar[FinalReason]

class SpeechEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPEECH_EVENT_TYPE_UNSPECIFIED: _ClassVar[SpeechEventType]
    SPEECH_EVENT_TYPE_SPEECH_STARTED: _ClassVar[SpeechEventType]
    SPEECH_EVENT_TYPE_SPEECH_ENDED: _ClassVar[SpeechEventType]
    SPEECH_EVENT_TYPE_SINGLE_UTTERANCE_ENDED: _ClassVar[SpeechEventType]
    SPEECH_EVENT_TYPE_SPEECH_START_TIMEOUT: _ClassVar[SpeechEventType]
    SPEECH_EVENT_TYPE_SPEECH_END_TIMEOUT: _ClassVar[SpeechEventType]

class WarningReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_REASON_UNSPECIFIED: _ClassVar[WarningReason]
    WARNING_REASON_RECOGNITION_FAILED: _ClassVar[WarningReason]
    WARNING_REASON_AUDIO_NOT_FINITE: _ClassVar[WarningReason]
    WARNING_REASON_AUDIO_CLIPPED: _ClassVar[WarningReason]
    WARNING_REASON_AUDIO_DAMAGED: _ClassVar[WarningReason]
    WARNING_REASON_INTERIMS_THINNED: _ClassVar[WarningReason]
    WARNING_REASON_FINALS_LATE: _ClassVar[WarningReason]

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_CONFIG: _ClassVar[ErrorReason]
    ERROR_REASON_PROTOCOL_VIOLATION: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_AUDIO_UNDECODABLE: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_CAPACITY_EXHAUSTED: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_DURATION_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_IDLE_TIMEOUT: _ClassVar[ErrorReason]
    ERROR_REASON_SERVER_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_LOADING: _ClassVar[ErrorReason]
    ERROR_REASON_RESUME_TOKEN_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_SUPERSEDED: _ClassVar[ErrorReason]
    ERROR_REASON_AUDIO_GAP: _ClassVar[ErrorReason]
    ERROR_REASON_SLOW_READER: _ClassVar[ErrorReason]
    ERROR_REASON_ENGINE_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_RECOGNITION_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_ORIGIN_NOT_ALLOWED: _ClassVar[ErrorReason]
    ERROR_REASON_UPSTREAM_UNAVAILABLE: _ClassVar[ErrorReason]
AUDIO_ENCODING_UNSPECIFIED: AudioEncoding
AUDIO_ENCODING_LINEAR16: AudioEncoding
AUDIO_ENCODING_FLOAT32: AudioEncoding
AUDIO_ENCODING_MULAW: AudioEncoding
AUDIO_ENCODING_ALAW: AudioEncoding
AUDIO_ENCODING_WAV: AudioEncoding
AUDIO_ENCODING_FLAC: AudioEncoding
AUDIO_ENCODING_OGG_OPUS: AudioEncoding
AUDIO_ENCODING_WEBM_OPUS: AudioEncoding
AUDIO_ENCODING_MP3: AudioEncoding
AUDIO_ENCODING_M4A: AudioEncoding
AUDIO_ENCODING_CONTAINER: AudioEncoding
CHANNEL_MODE_UNSPECIFIED: ChannelMode
CHANNEL_MODE_MIX: ChannelMode
CHANNEL_MODE_SEPARATE: ChannelMode
ENDPOINTING_MODE_UNSPECIFIED: EndpointingMode
ENDPOINTING_MODE_VAD: EndpointingMode
ENDPOINTING_MODE_CLIENT: EndpointingMode
ENDPOINTING_MODE_FIXED: EndpointingMode
PACING_STATE_UNSPECIFIED: PacingState
PACING_STATE_OK: PacingState
PACING_STATE_SLOW_DOWN: PacingState
PACING_STATE_PAUSE: PacingState
PRIORITY_UNSPECIFIED: Priority
PRIORITY_LIVE: Priority
PRIORITY_BATCH: Priority
TASK_UNSPECIFIED: Task
TASK_TRANSCRIBE: Task
TASK_TRANSLATE: Task
FINAL_REASON_UNSPECIFIED: FinalReason
FINAL_REASON_ENDPOINT: FinalReason
FINAL_REASON_FINALIZE: FinalReason
FINAL_REASON_MAX_UTTERANCE: FinalReason
FINAL_REASON_END_OF_AUDIO: FinalReason
FINAL_REASON_SERVER: FinalReason
FINAL_REASON_CHUNK: FinalReason
SPEECH_EVENT_TYPE_UNSPECIFIED: SpeechEventType
SPEECH_EVENT_TYPE_SPEECH_STARTED: SpeechEventType
SPEECH_EVENT_TYPE_SPEECH_ENDED: SpeechEventType
SPEECH_EVENT_TYPE_SINGLE_UTTERANCE_ENDED: SpeechEventType
SPEECH_EVENT_TYPE_SPEECH_START_TIMEOUT: SpeechEventType
SPEECH_EVENT_TYPE_SPEECH_END_TIMEOUT: SpeechEventType
WARNING_REASON_UNSPECIFIED: WarningReason
WARNING_REASON_RECOGNITION_FAILED: WarningReason
WARNING_REASON_AUDIO_NOT_FINITE: WarningReason
WARNING_REASON_AUDIO_CLIPPED: WarningReason
WARNING_REASON_AUDIO_DAMAGED: WarningReason
WARNING_REASON_INTERIMS_THINNED: WarningReason
WARNING_REASON_FINALS_LATE: WarningReason
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_CONFIG: ErrorReason
ERROR_REASON_PROTOCOL_VIOLATION: ErrorReason
ERROR_REASON_MODEL_NOT_FOUND: ErrorReason
ERROR_REASON_AUDIO_UNDECODABLE: ErrorReason
ERROR_REASON_STREAM_CAPACITY_EXHAUSTED: ErrorReason
ERROR_REASON_SESSION_DURATION_EXCEEDED: ErrorReason
ERROR_REASON_IDLE_TIMEOUT: ErrorReason
ERROR_REASON_SERVER_DRAINING: ErrorReason
ERROR_REASON_MODEL_LOADING: ErrorReason
ERROR_REASON_RESUME_TOKEN_INVALID: ErrorReason
ERROR_REASON_SESSION_SUPERSEDED: ErrorReason
ERROR_REASON_AUDIO_GAP: ErrorReason
ERROR_REASON_SLOW_READER: ErrorReason
ERROR_REASON_ENGINE_UNAVAILABLE: ErrorReason
ERROR_REASON_RECOGNITION_FAILED: ErrorReason
ERROR_REASON_MESSAGE_TOO_LARGE: ErrorReason
ERROR_REASON_ORIGIN_NOT_ALLOWED: ErrorReason
ERROR_REASON_UPSTREAM_UNAVAILABLE: ErrorReason

class StreamingRecognizeRequest(_message.Message):
    __slots__ = ("config", "audio", "finalize", "keep_alive", "response_ack", "end_of_audio")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    FINALIZE_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_ACK_FIELD_NUMBER: _ClassVar[int]
    END_OF_AUDIO_FIELD_NUMBER: _ClassVar[int]
    config: StreamingConfig
    audio: AudioChunk
    finalize: Finalize
    keep_alive: KeepAlive
    response_ack: ResponseAck
    end_of_audio: EndOfAudio
    def __init__(self, config: _Optional[_Union[StreamingConfig, _Mapping]] = ..., audio: _Optional[_Union[AudioChunk, _Mapping]] = ..., finalize: _Optional[_Union[Finalize, _Mapping]] = ..., keep_alive: _Optional[_Union[KeepAlive, _Mapping]] = ..., response_ack: _Optional[_Union[ResponseAck, _Mapping]] = ..., end_of_audio: _Optional[_Union[EndOfAudio, _Mapping]] = ...) -> None: ...

class StreamingConfig(_message.Message):
    __slots__ = ("recognition", "interim_results", "min_interim_interval", "endpointing", "single_utterance", "voice_activity_events", "progress_interval", "resume", "latency_breakdown", "preset", "priority")
    RECOGNITION_FIELD_NUMBER: _ClassVar[int]
    INTERIM_RESULTS_FIELD_NUMBER: _ClassVar[int]
    MIN_INTERIM_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTING_FIELD_NUMBER: _ClassVar[int]
    SINGLE_UTTERANCE_FIELD_NUMBER: _ClassVar[int]
    VOICE_ACTIVITY_EVENTS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    LATENCY_BREAKDOWN_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    recognition: RecognitionConfig
    interim_results: bool
    min_interim_interval: _duration_pb2.Duration
    endpointing: EndpointingConfig
    single_utterance: bool
    voice_activity_events: bool
    progress_interval: _duration_pb2.Duration
    resume: ResumeOptions
    latency_breakdown: bool
    preset: str
    priority: Priority
    def __init__(self, recognition: _Optional[_Union[RecognitionConfig, _Mapping]] = ..., interim_results: _Optional[bool] = ..., min_interim_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., endpointing: _Optional[_Union[EndpointingConfig, _Mapping]] = ..., single_utterance: _Optional[bool] = ..., voice_activity_events: _Optional[bool] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume: _Optional[_Union[ResumeOptions, _Mapping]] = ..., latency_breakdown: _Optional[bool] = ..., preset: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class ResumeOptions(_message.Message):
    __slots__ = ("enabled", "window", "resume_token", "last_sequence")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    window: _duration_pb2.Duration
    resume_token: str
    last_sequence: int
    def __init__(self, enabled: _Optional[bool] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_token: _Optional[str] = ..., last_sequence: _Optional[int] = ...) -> None: ...

class AudioChunk(_message.Message):
    __slots__ = ("data", "byte_offset")
    DATA_FIELD_NUMBER: _ClassVar[int]
    BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    byte_offset: int
    def __init__(self, data: _Optional[bytes] = ..., byte_offset: _Optional[int] = ...) -> None: ...

class Finalize(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class KeepAlive(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResponseAck(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class EndOfAudio(_message.Message):
    __slots__ = ("total_bytes",)
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    total_bytes: int
    def __init__(self, total_bytes: _Optional[int] = ...) -> None: ...

class RecognitionConfig(_message.Message):
    __slots__ = ("audio_format", "model", "language_codes", "task", "features", "language_switching", "adaptation", "channel_mode", "decoding")
    AUDIO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODES_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_SWITCHING_FIELD_NUMBER: _ClassVar[int]
    ADAPTATION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MODE_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    audio_format: AudioFormat
    model: str
    language_codes: _containers.RepeatedScalarFieldContainer[str]
    task: Task
    features: RecognitionFeatures
    language_switching: bool
    adaptation: Adaptation
    channel_mode: ChannelMode
    decoding: DecodingOptions
    def __init__(self, audio_format: _Optional[_Union[AudioFormat, _Mapping]] = ..., model: _Optional[str] = ..., language_codes: _Optional[_Iterable[str]] = ..., task: _Optional[_Union[Task, str]] = ..., features: _Optional[_Union[RecognitionFeatures, _Mapping]] = ..., language_switching: _Optional[bool] = ..., adaptation: _Optional[_Union[Adaptation, _Mapping]] = ..., channel_mode: _Optional[_Union[ChannelMode, str]] = ..., decoding: _Optional[_Union[DecodingOptions, _Mapping]] = ...) -> None: ...

class AudioFormat(_message.Message):
    __slots__ = ("encoding", "sample_rate_hertz", "channel_count")
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HERTZ_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    encoding: AudioEncoding
    sample_rate_hertz: int
    channel_count: int
    def __init__(self, encoding: _Optional[_Union[AudioEncoding, str]] = ..., sample_rate_hertz: _Optional[int] = ..., channel_count: _Optional[int] = ...) -> None: ...

class RecognitionFeatures(_message.Message):
    __slots__ = ("word_time_offsets", "interim_word_time_offsets")
    WORD_TIME_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    INTERIM_WORD_TIME_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    word_time_offsets: bool
    interim_word_time_offsets: bool
    def __init__(self, word_time_offsets: _Optional[bool] = ..., interim_word_time_offsets: _Optional[bool] = ...) -> None: ...

class Adaptation(_message.Message):
    __slots__ = ("hotwords", "initial_prompt", "replacements")
    HOTWORDS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_PROMPT_FIELD_NUMBER: _ClassVar[int]
    REPLACEMENTS_FIELD_NUMBER: _ClassVar[int]
    hotwords: _containers.RepeatedScalarFieldContainer[str]
    initial_prompt: str
    replacements: _containers.RepeatedCompositeFieldContainer[Replacement]
    def __init__(self, hotwords: _Optional[_Iterable[str]] = ..., initial_prompt: _Optional[str] = ..., replacements: _Optional[_Iterable[_Union[Replacement, _Mapping]]] = ...) -> None: ...

class Replacement(_message.Message):
    __slots__ = ("search", "replace", "case_sensitive")
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    CASE_SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    search: str
    replace: str
    case_sensitive: bool
    def __init__(self, search: _Optional[str] = ..., replace: _Optional[str] = ..., case_sensitive: _Optional[bool] = ...) -> None: ...

class DecodingOptions(_message.Message):
    __slots__ = ("beam_size", "no_speech_threshold", "condition_on_previous_text")
    BEAM_SIZE_FIELD_NUMBER: _ClassVar[int]
    NO_SPEECH_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CONDITION_ON_PREVIOUS_TEXT_FIELD_NUMBER: _ClassVar[int]
    beam_size: int
    no_speech_threshold: float
    condition_on_previous_text: bool
    def __init__(self, beam_size: _Optional[int] = ..., no_speech_threshold: _Optional[float] = ..., condition_on_previous_text: _Optional[bool] = ...) -> None: ...

class EndpointingConfig(_message.Message):
    __slots__ = ("mode", "end_silence", "max_utterance", "min_speech", "prefix_padding", "speech_threshold", "speech_start_timeout", "speech_end_timeout", "chunk_duration", "overlap_duration")
    MODE_FIELD_NUMBER: _ClassVar[int]
    END_SILENCE_FIELD_NUMBER: _ClassVar[int]
    MAX_UTTERANCE_FIELD_NUMBER: _ClassVar[int]
    MIN_SPEECH_FIELD_NUMBER: _ClassVar[int]
    PREFIX_PADDING_FIELD_NUMBER: _ClassVar[int]
    SPEECH_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SPEECH_START_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SPEECH_END_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_DURATION_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_DURATION_FIELD_NUMBER: _ClassVar[int]
    mode: EndpointingMode
    end_silence: _duration_pb2.Duration
    max_utterance: _duration_pb2.Duration
    min_speech: _duration_pb2.Duration
    prefix_padding: _duration_pb2.Duration
    speech_threshold: float
    speech_start_timeout: _duration_pb2.Duration
    speech_end_timeout: _duration_pb2.Duration
    chunk_duration: _duration_pb2.Duration
    overlap_duration: _duration_pb2.Duration
    def __init__(self, mode: _Optional[_Union[EndpointingMode, str]] = ..., end_silence: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_utterance: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., min_speech: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., prefix_padding: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., speech_threshold: _Optional[float] = ..., speech_start_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., speech_end_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., chunk_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., overlap_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StreamingRecognizeResponse(_message.Message):
    __slots__ = ("sequence", "session_started", "result", "speech_event", "progress", "finalized", "warning", "go_away", "session_summary")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SESSION_STARTED_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SPEECH_EVENT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINALIZED_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    SESSION_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    session_started: SessionStarted
    result: RecognitionResult
    speech_event: SpeechEvent
    progress: Progress
    finalized: Finalized
    warning: Warning
    go_away: GoAway
    session_summary: SessionSummary
    def __init__(self, sequence: _Optional[int] = ..., session_started: _Optional[_Union[SessionStarted, _Mapping]] = ..., result: _Optional[_Union[RecognitionResult, _Mapping]] = ..., speech_event: _Optional[_Union[SpeechEvent, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., finalized: _Optional[_Union[Finalized, _Mapping]] = ..., warning: _Optional[_Union[Warning, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., session_summary: _Optional[_Union[SessionSummary, _Mapping]] = ...) -> None: ...

class SessionStarted(_message.Message):
    __slots__ = ("session_id", "resume_token", "resumed", "next_byte_offset", "effective_config", "model", "limits")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    NEXT_BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    resumed: bool
    next_byte_offset: int
    effective_config: StreamingConfig
    model: Model
    limits: ServerLimits
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., resumed: _Optional[bool] = ..., next_byte_offset: _Optional[int] = ..., effective_config: _Optional[_Union[StreamingConfig, _Mapping]] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ...) -> None: ...

class RecognitionResult(_message.Message):
    __slots__ = ("utterance_index", "revision", "alternatives", "is_final", "final_reason", "start_offset", "end_offset", "channel_tag", "language_code", "language_confidence", "latency", "resume_token")
    UTTERANCE_INDEX_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    FINAL_REASON_FIELD_NUMBER: _ClassVar[int]
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TAG_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    utterance_index: int
    revision: int
    alternatives: _containers.RepeatedCompositeFieldContainer[RecognitionAlternative]
    is_final: bool
    final_reason: FinalReason
    start_offset: _duration_pb2.Duration
    end_offset: _duration_pb2.Duration
    channel_tag: int
    language_code: str
    language_confidence: float
    latency: LatencyBreakdown
    resume_token: str
    def __init__(self, utterance_index: _Optional[int] = ..., revision: _Optional[int] = ..., alternatives: _Optional[_Iterable[_Union[RecognitionAlternative, _Mapping]]] = ..., is_final: _Optional[bool] = ..., final_reason: _Optional[_Union[FinalReason, str]] = ..., start_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., channel_tag: _Optional[int] = ..., language_code: _Optional[str] = ..., language_confidence: _Optional[float] = ..., latency: _Optional[_Union[LatencyBreakdown, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class RecognitionAlternative(_message.Message):
    __slots__ = ("committed_text", "tentative_text", "confidence", "words")
    COMMITTED_TEXT_FIELD_NUMBER: _ClassVar[int]
    TENTATIVE_TEXT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    committed_text: str
    tentative_text: str
    confidence: float
    words: _containers.RepeatedCompositeFieldContainer[WordInfo]
    def __init__(self, committed_text: _Optional[str] = ..., tentative_text: _Optional[str] = ..., confidence: _Optional[float] = ..., words: _Optional[_Iterable[_Union[WordInfo, _Mapping]]] = ...) -> None: ...

class WordInfo(_message.Message):
    __slots__ = ("word", "start_offset", "end_offset", "confidence")
    WORD_FIELD_NUMBER: _ClassVar[int]
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    word: str
    start_offset: _duration_pb2.Duration
    end_offset: _duration_pb2.Duration
    confidence: float
    def __init__(self, word: _Optional[str] = ..., start_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., confidence: _Optional[float] = ...) -> None: ...

class LatencyBreakdown(_message.Message):
    __slots__ = ("total", "queue", "preprocessing", "inference", "batch_size", "endpointing")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTING_FIELD_NUMBER: _ClassVar[int]
    total: _duration_pb2.Duration
    queue: _duration_pb2.Duration
    preprocessing: _duration_pb2.Duration
    inference: _duration_pb2.Duration
    batch_size: int
    endpointing: _duration_pb2.Duration
    def __init__(self, total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., queue: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., preprocessing: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., inference: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., batch_size: _Optional[int] = ..., endpointing: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SpeechEvent(_message.Message):
    __slots__ = ("type", "offset", "channel_tag")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TAG_FIELD_NUMBER: _ClassVar[int]
    type: SpeechEventType
    offset: _duration_pb2.Duration
    channel_tag: int
    def __init__(self, type: _Optional[_Union[SpeechEventType, str]] = ..., offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., channel_tag: _Optional[int] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("acknowledged_byte_offset", "received_offset", "final_offset", "pacing", "credit", "resume_token", "committed_byte_offset")
    ACKNOWLEDGED_BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FINAL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    PACING_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    acknowledged_byte_offset: int
    received_offset: _duration_pb2.Duration
    final_offset: _duration_pb2.Duration
    pacing: PacingState
    credit: _duration_pb2.Duration
    resume_token: str
    committed_byte_offset: int
    def __init__(self, acknowledged_byte_offset: _Optional[int] = ..., received_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., final_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., pacing: _Optional[_Union[PacingState, str]] = ..., credit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_token: _Optional[str] = ..., committed_byte_offset: _Optional[int] = ...) -> None: ...

class Finalized(_message.Message):
    __slots__ = ("request_id", "offset")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    offset: _duration_pb2.Duration
    def __init__(self, request_id: _Optional[str] = ..., offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("reason", "message", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    reason: WarningReason
    message: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, reason: _Optional[_Union[WarningReason, str]] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("time_left", "resume_token", "message")
    TIME_LEFT_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    time_left: _duration_pb2.Duration
    resume_token: str
    message: str
    def __init__(self, time_left: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_token: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class SessionSummary(_message.Message):
    __slots__ = ("received_audio", "speech_audio", "final_result_count", "inference_time")
    RECEIVED_AUDIO_FIELD_NUMBER: _ClassVar[int]
    SPEECH_AUDIO_FIELD_NUMBER: _ClassVar[int]
    FINAL_RESULT_COUNT_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_TIME_FIELD_NUMBER: _ClassVar[int]
    received_audio: _duration_pb2.Duration
    speech_audio: _duration_pb2.Duration
    final_result_count: int
    inference_time: _duration_pb2.Duration
    def __init__(self, received_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., speech_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., final_result_count: _Optional[int] = ..., inference_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RecognizeRequest(_message.Message):
    __slots__ = ("config", "audio")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    config: RecognitionConfig
    audio: bytes
    def __init__(self, config: _Optional[_Union[RecognitionConfig, _Mapping]] = ..., audio: _Optional[bytes] = ...) -> None: ...

class RecognizeResponse(_message.Message):
    __slots__ = ("results", "summary")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[RecognitionResult]
    summary: SessionSummary
    def __init__(self, results: _Optional[_Iterable[_Union[RecognitionResult, _Mapping]]] = ..., summary: _Optional[_Union[SessionSummary, _Mapping]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "next_page_token")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    next_page_token: str
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "display_name", "revision", "language_codes", "loaded", "tasks", "interim_model")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODES_FIELD_NUMBER: _ClassVar[int]
    LOADED_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    INTERIM_MODEL_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    revision: str
    language_codes: _containers.RepeatedScalarFieldContainer[str]
    loaded: bool
    tasks: _containers.RepeatedScalarFieldContainer[Task]
    interim_model: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., revision: _Optional[str] = ..., language_codes: _Optional[_Iterable[str]] = ..., loaded: _Optional[bool] = ..., tasks: _Optional[_Iterable[_Union[Task, str]]] = ..., interim_model: _Optional[str] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "limits", "active_stream_count", "available_stream_count", "draining", "presets")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_STREAM_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_STREAM_COUNT_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    PRESETS_FIELD_NUMBER: _ClassVar[int]
    version: str
    limits: ServerLimits
    active_stream_count: int
    available_stream_count: int
    draining: bool
    presets: _containers.RepeatedCompositeFieldContainer[Preset]
    def __init__(self, version: _Optional[str] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ..., active_stream_count: _Optional[int] = ..., available_stream_count: _Optional[int] = ..., draining: _Optional[bool] = ..., presets: _Optional[_Iterable[_Union[Preset, _Mapping]]] = ...) -> None: ...

class Preset(_message.Message):
    __slots__ = ("name", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("max_session_duration", "idle_timeout", "max_buffered_audio", "max_chunk_bytes", "resume_window", "max_recording_duration", "max_unacknowledged_responses")
    MAX_SESSION_DURATION_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_BUFFERED_AUDIO_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESUME_WINDOW_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORDING_DURATION_FIELD_NUMBER: _ClassVar[int]
    MAX_UNACKNOWLEDGED_RESPONSES_FIELD_NUMBER: _ClassVar[int]
    max_session_duration: _duration_pb2.Duration
    idle_timeout: _duration_pb2.Duration
    max_buffered_audio: _duration_pb2.Duration
    max_chunk_bytes: int
    resume_window: _duration_pb2.Duration
    max_recording_duration: _duration_pb2.Duration
    max_unacknowledged_responses: int
    def __init__(self, max_session_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_buffered_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_chunk_bytes: _Optional[int] = ..., resume_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_recording_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_unacknowledged_responses: _Optional[int] = ...) -> None: ...
