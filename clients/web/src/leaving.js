/** Pages that are left. */

/**
 * Calls `leave` when the page is left for good: not when the browser keeps it, to come back to.
 *
 * @param {() => void} leave
 * @returns {() => void}  to be called when that does not matter any more
 */
export function whenPageIsLeft(leave) {
  /** @param {{persisted?: boolean} & Event} event */
  const listener = (event) => {
    if (!event.persisted) leave();
  };
  globalThis.addEventListener?.("pagehide", listener);
  return () => globalThis.removeEventListener?.("pagehide", listener);
}
