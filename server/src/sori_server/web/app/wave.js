import { byId } from "./dom.js";

const QUIETEST = -60;
const BAR = 3;
const GAP = 2;
/** Blocks of sound that share a bar: each is about 21 ms. */
const BLOCKS = 3;
const TOLD_EVERY = 500;

/** The level of the microphone over the last seconds; one bar where motion is not wanted. */
export class Wave {
  #canvas = byId("wave", HTMLCanvasElement);
  #record = byId("record", HTMLButtonElement);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {number[]} */
  #levels = [];
  /** @type {number[]} */
  #block = [];
  #told = 0;

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    byId("theme", HTMLButtonElement).addEventListener("click", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** The level is now this.
   * @param {number} decibels of full scale */
  push(decibels) {
    const loud = Math.min(1, Math.max(0, 1 - decibels / QUIETEST));
    this.#block.push(loud);
    if (this.#block.length < BLOCKS) return;
    const loudest = Math.max(...this.#block.splice(0));
    this.#levels = [...this.#levels, loudest].slice(-256);
    this.#record.style.setProperty("--loud", loudest.toFixed(2));
    this.#tell(decibels);
    this.#draw();
  }

  /** Nothing is heard. */
  rest() {
    this.#levels = [];
    this.#record.style.removeProperty("--loud");
    this.#draw();
  }

  /** @param {number} decibels */
  #tell(decibels) {
    if (performance.now() - this.#told < TOLD_EVERY) return;
    this.#told = performance.now();
    const value = Math.round(Math.max(QUIETEST, Math.min(0, decibels)));
    this.#canvas.setAttribute("aria-valuenow", String(value));
    this.#canvas.setAttribute("aria-valuetext", `${value} dB`);
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    this.#canvas.width = width * scale;
    this.#canvas.height = height * scale;
    const pen = this.#canvas.getContext("2d");
    if (!pen) return;
    pen.scale(scale, scale);
    pen.fillStyle = getComputedStyle(this.#canvas).color;
    if (this.#still.matches) {
      pen.fillRect(0, height / 2 - 3, Math.max(3, (this.#levels.at(-1) ?? 0) * width), 6);
      return;
    }
    const count = Math.floor((width + GAP) / (BAR + GAP));
    for (let bar = 0; bar < count; bar += 1) {
      const level = this.#levels.at(bar - count) ?? 0;
      const tall = Math.max(BAR, level ** 1.6 * height);
      pen.globalAlpha = 0.25 + 0.75 * (level > 0 ? (bar + 1) / count : 0);
      pen.beginPath();
      pen.roundRect(bar * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
      pen.fill();
    }
  }
}
