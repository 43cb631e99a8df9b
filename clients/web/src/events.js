/** Events with types: `addEventListener("result", ({ detail }) => …)` knows what `detail` is. */

/**
 * @template {object} Events  `detail` by the event's name
 * @typedef {Omit<EventTarget, "addEventListener" | "removeEventListener"> & {
 *   addEventListener<Name extends keyof Events & string>(type: Name,
 *     listener: (event: CustomEvent<Events[Name]>) => void,
 *     options?: boolean | AddEventListenerOptions): void,
 *   removeEventListener<Name extends keyof Events & string>(type: Name,
 *     listener: (event: CustomEvent<Events[Name]>) => void,
 *     options?: boolean | EventListenerOptions): void,
 * }} TypedEventTarget
 */

/** `EventTarget` for the events of a stream. */
export const StreamEventTarget =
  /** @type {{new (): TypedEventTarget<import("./types.js").SoriStreamEvents>}} */ (EventTarget);
