/**
 * The messages of `/v1/stream` as JSON, as in `sori/v1/speech.proto`. Times are seconds.
 * Fields that are marked optional are left out when they are not set.
 *
 * @typedef {"linear16" | "float32" | "mulaw" | "alaw" | "wav" | "flac" | "ogg_opus"
 *   | "webm_opus" | "mp3" | "m4a" | "container"} AudioEncoding
 *
 * @typedef {object} AudioFormat
 * @property {AudioEncoding} encoding
 * @property {number} [sample_rate_hertz]  8000 to 48000; required for raw encodings
 * @property {number} [channel_count]
 *
 * @typedef {object} RecognitionConfig
 * @property {AudioFormat} [audio_format]  SoriStream fills in 16 kHz mono `linear16`
 * @property {string} [model]
 * @property {string[]} [language_codes]  BCP-47; none: detect
 * @property {"transcribe" | "translate"} [task]
 * @property {{word_time_offsets?: boolean, interim_word_time_offsets?: boolean}} [features]
 * @property {boolean} [language_switching]
 * @property {{hotwords?: string[], initial_prompt?: string, replacements?:
 *   {search: string, replace: string, case_sensitive?: boolean}[]}} [adaptation]
 * @property {"mix" | "separate"} [channel_mode]
 * @property {{beam_size?: number, no_speech_threshold?: number,
 *   condition_on_previous_text?: boolean}} [decoding]
 *
 * @typedef {object} EndpointingConfig
 * @property {"vad" | "client" | "fixed"} [mode]
 * @property {number} [end_silence]
 * @property {number} [max_utterance]
 * @property {number} [min_speech]
 * @property {number} [prefix_padding]
 * @property {number} [speech_threshold]
 * @property {number} [speech_start_timeout]
 * @property {number} [speech_end_timeout]
 * @property {number} [chunk_duration]
 * @property {number} [overlap_duration]
 *
 * @typedef {object} StreamingConfig
 * @property {RecognitionConfig} [recognition]
 * @property {boolean} [interim_results]
 * @property {number} [min_interim_interval]
 * @property {EndpointingConfig} [endpointing]
 * @property {boolean} [single_utterance]
 * @property {boolean} [voice_activity_events]
 * @property {number} [progress_interval]  SoriStream fills in 5
 * @property {boolean} [latency_breakdown]
 * @property {string} [preset]
 * @property {"live" | "batch"} [priority]
 * @property {ResumeOptions} [resume]  SoriStream fills in `enabled`, and the rest when it resumes
 *
 * @typedef {object} ResumeOptions
 * @property {boolean} [enabled]
 * @property {number} [window]  seconds the server keeps the session without a connection
 * @property {string} [resume_token]
 * @property {number} [last_sequence]
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} display_name
 * @property {string} revision
 * @property {string[]} language_codes
 * @property {boolean} loaded
 * @property {("transcribe" | "translate")[]} tasks
 * @property {string} interim_model
 *
 * @typedef {object} ServerLimits
 * @property {number} max_session_duration
 * @property {number} idle_timeout
 * @property {number} max_buffered_audio
 * @property {number} max_chunk_bytes
 * @property {number} max_recording_duration
 * @property {number} resume_window
 * @property {number} max_unacknowledged_responses
 *
 * @typedef {object} SessionStarted
 * @property {string} session_id
 * @property {string} resume_token  empty: the session cannot be resumed
 * @property {boolean} resumed
 * @property {number} next_byte_offset
 * @property {StreamingConfig} effective_config
 * @property {Model} model
 * @property {ServerLimits} limits
 *
 * @typedef {object} WordInfo
 * @property {string} word
 * @property {number} start_offset
 * @property {number} end_offset
 * @property {number} confidence
 *
 * @typedef {object} Alternative
 * @property {string} committed_text  only grows from one result of an utterance to the next,
 *   unless its session was lost in between
 * @property {string} tentative_text  may change; empty in final results
 * @property {number} confidence
 * @property {WordInfo[]} words
 *
 * @typedef {object} LatencyBreakdown
 * @property {number} [total]
 * @property {number} [queue]
 * @property {number} [preprocessing]
 * @property {number} [inference]
 * @property {number} batch_size
 * @property {number} [endpointing]
 *
 * @typedef {object} RecognitionResult
 * @property {number} utterance_index  shared by the interim results and the final one
 * @property {number} revision  counts them, those that newer ones overtook included
 * @property {Alternative[]} alternatives
 * @property {boolean} is_final
 * @property {"endpoint" | "finalize" | "max_utterance" | "end_of_audio" | "server" | "chunk"
 *   } [final_reason]
 * @property {number} start_offset
 * @property {number} end_offset
 * @property {number} channel_tag
 * @property {string} language_code
 * @property {number} language_confidence
 * @property {LatencyBreakdown} [latency]
 * @property {string} resume_token
 *
 * @typedef {object} SpeechEvent
 * @property {"speech_started" | "speech_ended" | "single_utterance_ended"
 *   | "speech_start_timeout" | "speech_end_timeout"} event
 * @property {number} offset
 * @property {number} channel_tag
 *
 * @typedef {object} Progress
 * @property {number} acknowledged_byte_offset
 * @property {number} received_offset
 * @property {number} final_offset  all text before it is final
 * @property {number} committed_byte_offset  no server asks again for what is before it
 *
 * @typedef {object} Finalized
 * @property {string} request_id
 * @property {number} offset
 *
 * @typedef {object} Warning
 * @property {"recognition_failed" | "audio_not_finite" | "audio_clipped" | "audio_damaged"
 *   | "audio_dropped"} reason  `audio_dropped` comes from this package: more audio than
 *   `heldAudio` was waiting for a server
 * @property {string} message
 * @property {Record<string, string>} metadata
 *
 * @typedef {object} GoAway
 * @property {number} time_left
 * @property {string} message
 *
 * @typedef {object} SessionSummary
 * @property {number} received_audio
 * @property {number} speech_audio
 * @property {number} final_result_count
 * @property {number} inference_time
 *
 * @typedef {object} StreamTotals
 * @property {number} session_count  1 if no session was lost
 * @property {number} dropped_audio  seconds that no server heard
 *
 * @typedef {SessionSummary & StreamTotals} Summary  over all sessions of a stream. A lost
 *   session does not tell its `inference_time`, and of its speech only what became final.
 */

/**
 * What happens to a stream, by the name of its event.
 *
 * @typedef {object} SoriStreamEvents
 * @property {StateChange} statechange
 * @property {SessionStarted} started  once for each session
 * @property {RecognitionResult} result
 * @property {SpeechEvent} speech
 * @property {Progress} progress
 * @property {Finalized} finalized
 * @property {Warning} warning
 * @property {GoAway} goaway
 * @property {import("./errors.js").SoriError} error  the stream is over
 * @property {Summary} summary
 *
 * @typedef {object} StateChange
 * @property {import("./state.js").State} state
 * @property {number} [attempt]  "reconnecting": 1, 2, ...
 * @property {number} [retryIn]  "reconnecting": seconds until the attempt
 * @property {import("./errors.js").SoriError} [cause]  "reconnecting": what was lost
 */

export {};
