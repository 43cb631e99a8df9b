package io.github.sori

import java.util.Timer
import kotlin.concurrent.schedule
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString
import okio.ByteString.Companion.toByteString
import org.json.JSONObject

/** Told what a stream has to say, on a thread of OkHttp. */
interface SoriListener {
    /** Text of the utterance being spoken; what is final does not change any more. */
    fun onText(text: String, isFinal: Boolean)

    /** The connection is lost; the next attempt comes in so many milliseconds. */
    fun onReconnecting(delay: Long) {}

    /** The stream is over, and ended well if there is no [problem]. Nothing follows. */
    fun onEnd(problem: String?)
}

/**
 * One live stream: 32-bit float, little-endian, mono, 16 kHz.
 *
 * Without a [config] it speaks the plain protocol at `ws://host:8765/`, with one protocol v1 at
 * `ws://host:8765/v1/stream`. Audio that no final text covers is kept, a minute at most, and sent
 * again when a lost connection is back: no word is lost.
 */
class SoriWebSocket(
    private val url: String,
    private val listener: SoriListener,
    private val config: JSONObject? = null,
    private val client: OkHttpClient = OkHttpClient(),
) : WebSocketListener() {
    private val timer = Timer("sori", true)
    private val kept = ArrayDeque<ByteString>()
    private var keptFrom = 0L // bytes of the stream before `kept`
    private var sessionFrom = 0L // bytes of the stream before this connection
    private var socket: WebSocket? = null // null while there is no connection
    private var error: JSONObject? = null
    private var ending = false
    private var ended = false
    private var delay = FIRST_DELAY

    fun start() {
        client.newWebSocket(Request.Builder().url(url).build(), this)
    }

    /** Send audio; may be called while there is no connection. */
    @Synchronized
    fun send(samples: ByteArray) {
        val chunk = samples.toByteString()
        kept.addLast(chunk)
        if (kept.sumOf { it.size } > MOST_KEPT) keptFrom += kept.removeFirst().size
        socket?.send(chunk)
    }

    /** No more audio follows: the last words come, then [SoriListener.onEnd]. */
    @Synchronized
    fun finish() {
        ending = true
        socket?.let(::sayEnd)
    }

    @Synchronized
    override fun onOpen(webSocket: WebSocket, response: Response) {
        socket = webSocket
        error = null
        sessionFrom = keptFrom
        config?.let { webSocket.send(started(it).toString()) }
        kept.forEach(webSocket::send)
        if (ending) sayEnd(webSocket)
    }

    @Synchronized
    override fun onMessage(webSocket: WebSocket, text: String) {
        val message = JSONObject(text)
        if (config == null) plain(message) else v1(message)
    }

    override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
        webSocket.close(NORMAL, null)
    }

    override fun onClosed(webSocket: WebSocket, code: Int, reason: String) {
        val passing = error?.optBoolean("retryable") ?: (code in PASSING)
        over(error?.getString("message") ?: "closed with code $code", code == NORMAL, passing)
    }

    override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
        val refused = response != null && response.code in 400..499 && response.code != 429
        over(t.message ?: "no connection", well = false, passing = !refused)
    }

    /** Here "text" is always there; it is empty in warnings and errors. */
    private fun plain(message: JSONObject) {
        error = message.optJSONObject("error")
        val text = message.getString("text")
        if (text.isNotEmpty()) tell(text, message.getBoolean("is_final"), message.getDouble("end"))
    }

    private fun v1(message: JSONObject) {
        when (message.getString("type")) {
            "result" -> {
                val best = message.getJSONArray("alternatives").getJSONObject(0)
                val text = best.getString("committed_text") + best.getString("tentative_text")
                tell(text, message.getBoolean("is_final"), message.getDouble("end_offset"))
            }
            "error" -> error = message
        }
    }

    private fun tell(text: String, isFinal: Boolean, end: Double) {
        delay = FIRST_DELAY
        if (isFinal) forget(sessionFrom + (end * BYTES_PER_SECOND).toLong())
        listener.onText(text.trim(), isFinal)
    }

    private fun forget(before: Long) {
        while (kept.isNotEmpty() && keptFrom + kept.first().size <= before) {
            keptFrom += kept.removeFirst().size
        }
    }

    /** OkHttp goes on reading for a minute after it has sent a Close frame, and so gets the rest. */
    private fun sayEnd(webSocket: WebSocket) {
        if (config == null) webSocket.close(NORMAL, null) else webSocket.send(END_OF_AUDIO)
    }

    @Synchronized
    private fun over(problem: String, well: Boolean, passing: Boolean) {
        socket = null
        if (ended) return
        if (!well && passing && delay <= LAST_DELAY) {
            listener.onReconnecting(delay)
            timer.schedule(delay) { start() }
            delay *= 2
            return
        }
        ended = true
        timer.cancel()
        listener.onEnd(if (well) null else problem)
    }

    private fun started(config: JSONObject): JSONObject {
        val message = JSONObject(config.toString()).put("type", "config")
        val recognition = message.optJSONObject("recognition") ?: JSONObject()
        val format = JSONObject().put("encoding", "float32").put("sample_rate_hertz", 16_000)
        return message.put("recognition", recognition.put("audio_format", format))
    }

    private companion object {
        const val BYTES_PER_SECOND = 64_000
        const val MOST_KEPT = 60 * BYTES_PER_SECOND
        const val FIRST_DELAY = 500L // ms; doubled at each attempt that fails
        const val LAST_DELAY = 32_000L
        const val NORMAL = 1000
        val PASSING = setOf(1001, 1006, 1011, 1012, 1013)
        const val END_OF_AUDIO = """{"type": "end_of_audio"}"""
    }
}
