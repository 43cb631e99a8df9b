/** @type {WakeLockSentinel | undefined} */
let lock;
let wanted = false;

/** Keep the screen of a phone on, or let it go off again.
 * @param {boolean} on */
export async function keepAwake(on) {
  wanted = on;
  if (!on) {
    await lock?.release();
    lock = undefined;
  } else if (!lock || lock.released) {
    lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    if (!wanted) await keepAwake(false);
  }
}

// The browser takes the lock back whenever the page is hidden.
document.addEventListener("visibilitychange", () => {
  if (wanted && document.visibilityState === "visible") void keepAwake(true);
});
