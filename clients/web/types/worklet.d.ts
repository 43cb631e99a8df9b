/** What `src/worklet.js` finds in the audio thread; the types of a page do not have it. */

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}

declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
