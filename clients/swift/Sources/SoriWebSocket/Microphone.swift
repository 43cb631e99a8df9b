#if canImport(AVFoundation)
import AVFoundation

/// The microphone as blocks of 32-bit float, mono, 16 kHz, whatever the hardware gives.
///
/// The app needs `NSMicrophoneUsageDescription`, and on iOS an active `AVAudioSession` that records.
public final class Microphone {
    private let engine = AVAudioEngine()

    public init() {}

    /// Samples until the stream is dropped.
    public func blocks() throws -> AsyncStream<[Float]> {
        let input = engine.inputNode
        let source = input.outputFormat(forBus: 0)
        let target = AVAudioFormat(
            commonFormat: .pcmFormatFloat32, sampleRate: 16_000, channels: 1, interleaved: false)!
        guard let converter = AVAudioConverter(from: source, to: target) else {
            throw CocoaError(.featureUnsupported)
        }
        let ratio = target.sampleRate / source.sampleRate
        let (stream, continuation) = AsyncStream.makeStream(of: [Float].self)
        let size = AVAudioFrameCount(source.sampleRate / 10)
        input.installTap(onBus: 0, bufferSize: size, format: source) { buffer, _ in
            let room = AVAudioFrameCount(Double(buffer.frameLength) * ratio) + 16
            guard let block = AVAudioPCMBuffer(pcmFormat: target, frameCapacity: room) else { return }
            var given = false
            converter.convert(to: block, error: nil) { _, status in
                status.pointee = given ? .noDataNow : .haveData
                defer { given = true }
                return given ? nil : buffer
            }
            guard let samples = block.floatChannelData?[0] else { return }
            continuation.yield(Array(UnsafeBufferPointer(start: samples, count: Int(block.frameLength))))
        }
        continuation.onTermination = { [engine] _ in
            engine.inputNode.removeTap(onBus: 0)
            engine.stop()
        }
        try engine.start()
        return stream
    }
}
#endif
