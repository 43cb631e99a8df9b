import { byId } from "./dom.js";
import { say, translated } from "./i18n.js";

/** @typedef {import("./latency.js").LatencyLog} LatencyLog */
/** @typedef {import("./latency.js").Bar} Bar */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 280;
const FLOOR = 92;
const LEFT = 34;
const SLOT = (WIDTH - LEFT) / 36;
/** Height of a final that took no time. */
const LEAST = 3;
/** Ceilings of the chart, ms. */
const CEILINGS = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** The read-out: three figures, a bar for each of the newest results, and the same in words. */
export class LatencyChart {
  #chart = byId("chart", SVGSVGElement);
  #text = byId("chart-text", HTMLElement);
  #log;

  /** @param {LatencyLog} log */
  constructor(log) {
    this.#log = log;
    translated(() => this.draw());
  }

  /** Show what the log holds now. */
  draw() {
    figure("first-caption", this.#log.firstCaption);
    figure("behind", this.#log.behind);
    figure("final", this.#log.final);
    const { bars } = this.#log;
    const highest = Math.max(0, ...bars.map(({ total }) => total));
    const ceiling = CEILINGS.find((each) => each >= highest) ?? highest;
    this.#chart.replaceChildren(
      ...grid(ceiling),
      ...bars.flatMap((bar, place) => column(bar, place, ceiling)),
    );
    this.#text.textContent = this.#words(bars);
  }

  /** @param {readonly Bar[]} bars @returns {string} */
  #words(bars) {
    const last = bars.findLast(({ final }) => final) ?? bars.at(-1);
    if (!last) return say("chartEmpty");
    const { final, ...numbers } = last;
    return say(final ? "chartFinal" : "chartInterim", numbers);
  }
}

/** @param {string} id @param {number | undefined} seconds */
function figure(id, seconds) {
  const shown = byId(id, HTMLElement);
  const [number, unit] =
    seconds === undefined
      ? ["–", ""]
      : seconds < 1
        ? [String(Math.round(seconds * 1000)), "ms"]
        : [seconds.toFixed(1), "s"];
  const small = document.createElement("small");
  small.textContent = unit;
  shown.replaceChildren(number, ...(unit ? [" ", small] : []));
}

/** @param {number} ceiling ms @returns {SVGElement[]} */
function grid(ceiling) {
  return [0, 0.5, 1].flatMap((share) => {
    const y = FLOOR - share * (FLOOR - 8);
    const line = shape("line", "grid", { x1: LEFT, x2: WIDTH, y1: y, y2: y });
    const label = shape("text", "", { x: LEFT - 6, y: y + 3.5, "text-anchor": "end" });
    label.textContent = share ? duration(share * ceiling) : "0";
    return [line, label];
  });
}

/** @param {number} ms @returns {string} */
function duration(ms) {
  return ms < 1000 ? `${ms}` : `${ms / 1000} s`;
}

/** @param {Bar} bar @param {number} place @param {number} ceiling @returns {SVGElement[]} */
function column(bar, place, ceiling) {
  const scale = (FLOOR - 8) / ceiling;
  const x = LEFT + place * SLOT + 1;
  /** @type {[string, number][]} */
  const parts = bar.final
    ? [["model", Math.max(bar.model, LEAST / scale)], ["features", bar.features], ["queue", bar.queue]]
    : [["interim", bar.total]];
  let y = FLOOR;
  return parts.map(([part, ms]) => {
    const height = Math.min(ms * scale, y);
    y -= height;
    return shape("rect", part, { x, y, width: SLOT - 2, height, rx: 1 });
  });
}

/** @param {string} name @param {string} kind @param {Record<string, string | number>} values */
function shape(name, kind, values) {
  const made = document.createElementNS(SVG, name);
  made.setAttribute("class", kind);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, String(value));
  return made;
}

