package io.github.sori

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.CountDownLatch
import javax.sound.sampled.AudioSystem
import kotlin.system.exitProcess
import org.json.JSONObject

const val BLOCK = 1_600 // samples: 0.1 s

/** Usage: URL FILE.wav (16-bit mono 16 kHz). Prints final text, one line for each utterance. */
fun main(arguments: Array<String>) {
    val (url, file) = arguments
    val config = if (url.endsWith("/v1/stream")) JSONObject("""{"interim_results": true}""") else null
    val over = CountDownLatch(1)
    var status = 0
    val stream = SoriWebSocket(url, object : SoriListener {
        override fun onText(text: String, isFinal: Boolean) {
            if (isFinal) println(text) else System.err.println("... $text")
        }

        override fun onReconnecting(delay: Long) = System.err.println("reconnecting in $delay ms")

        override fun onEnd(problem: String?) {
            problem?.let(System.err::println)
            status = if (problem == null) 0 else 1
            over.countDown()
        }
    }, config)
    stream.start()
    AudioSystem.getAudioInputStream(File(file)).use { wav ->
        val pcm = ByteArray(2 * BLOCK)
        while (true) {
            val size = wav.readNBytes(pcm, 0, pcm.size)
            if (size == 0) break
            stream.send(floats(pcm, size / 2))
            Thread.sleep(100)
        }
    }
    stream.finish()
    over.await()
    exitProcess(status)
}

private fun floats(pcm: ByteArray, count: Int): ByteArray {
    val samples = ByteBuffer.wrap(pcm).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer()
    val block = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN)
    repeat(count) { block.putFloat(samples[it] / 32_768f) }
    return block.array()
}
