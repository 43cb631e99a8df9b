import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Text of the utterance being spoken; what is final does not change any more.
public struct SoriText: Decodable, Sendable {
    public let text: String
    public let isFinal: Bool
    /// Seconds of the audio of this connection that the text ends at.
    public let end: Double

    enum CodingKeys: String, CodingKey {
        case text, end
        case isFinal = "is_final"
    }
}

/// The server ended the stream, and will refuse it again.
public struct SoriError: Error, Decodable, Sendable {
    public let code: String
    public let message: String
    public let retryable: Bool
}

/// One live stream over the plain protocol: 32-bit float, mono, 16 kHz.
///
/// Audio that no final text covers is kept, a minute at most, and sent again when a lost
/// connection is back: no word is lost.
public actor SoriWebSocket {
    private static let bytesPerSecond = 64_000
    private static let mostKept = 60 * bytesPerSecond
    private static let lastDelay = 32.0

    private let url: URL
    private let session: URLSession
    private var socket: URLSessionWebSocketTask?
    private var kept: [Data] = []
    private var keptFrom = 0  // bytes of the stream before `kept`
    private var sessionFrom = 0  // bytes of the stream before this connection
    private var ending = false
    private var delay = 0.5

    public init(url: URL, session: URLSession = .shared) {
        self.url = url
        self.session = session
    }

    /// All text until the last words after `finish`; throws what ends the stream for good.
    public nonisolated func texts() -> AsyncThrowingStream<SoriText, Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    try await self.run { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// Send audio; may be called while there is no connection.
    public func send(_ samples: [Float]) {
        let chunk = samples.withUnsafeBytes { Data($0) }
        kept.append(chunk)
        while kept.reduce(0, { $0 + $1.count }) > Self.mostKept {
            keptFrom += kept.removeFirst().count
        }
        put(.data(chunk))
    }

    /// No more audio follows: the last words come, then `texts` ends.
    ///
    /// A message says so, because a task that is cancelled, even with a close code, reads no more.
    public func finish() {
        ending = true
        put(.string(#"{"type": "end_of_audio"}"#))
    }

    /// Queued in this order, never waited for: a connection that fails tells its reader.
    private func put(_ message: URLSessionWebSocketTask.Message) {
        socket?.send(message) { _ in }
    }

    private func run(_ yield: (SoriText) -> Void) async throws {
        while true {
            do {
                try await converse(yield)
                return
            } catch let error as SoriError where !error.retryable {
                throw error
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if delay > Self.lastDelay { throw error }
                try await Task.sleep(nanoseconds: UInt64(delay * 1e9))
                delay *= 2
            }
        }
    }

    /// One connection, from its opening until the server closes it.
    private func converse(_ yield: (SoriText) -> Void) async throws {
        let task = session.webSocketTask(with: url)
        task.resume()
        defer {
            task.cancel()
            socket = nil
        }
        sessionFrom = keptFrom
        socket = task
        for chunk in kept { put(.data(chunk)) }
        if ending { finish() }
        while true {
            let message: URLSessionWebSocketTask.Message
            do {
                message = try await task.receive()
            } catch {
                if task.closeCode == .normalClosure { return }
                throw error
            }
            guard case .string(let json) = message else { continue }
            if let text = try read(Data(json.utf8)) { yield(text) }
        }
    }

    private func read(_ json: Data) throws -> SoriText? {
        struct Failure: Decodable { let error: SoriError? }
        if let error = try JSONDecoder().decode(Failure.self, from: json).error { throw error }
        guard let heard = try? JSONDecoder().decode(SoriText.self, from: json), !heard.text.isEmpty
        else { return nil }
        delay = 0.5
        if heard.isFinal { forget(before: sessionFrom + Int(heard.end * Double(Self.bytesPerSecond))) }
        return heard
    }

    private func forget(before position: Int) {
        while let first = kept.first, keptFrom + first.count <= position {
            keptFrom += first.count
            kept.removeFirst()
        }
    }
}
