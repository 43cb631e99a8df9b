/** Web client of Sori: streaming speech recognition for pages. */

export { toJson, toSrt, toTxt, toVtt } from "./captions.js";
export { SoriError } from "./errors.js";
export { levelOf } from "./level.js";
export { Microphone } from "./microphone.js";
export { Resampler, toInt16 } from "./resampler.js";
export { SoriStream } from "./stream.js";

/** @typedef {import("./types.js").StreamingConfig} StreamingConfig */
/** @typedef {import("./types.js").RecognitionResult} RecognitionResult */
/** @typedef {import("./types.js").SessionStarted} SessionStarted */
/** @typedef {import("./types.js").Summary} Summary */
/** @typedef {import("./types.js").SoriStreamEvents} SoriStreamEvents */
/** @typedef {import("./state.js").State} State */
