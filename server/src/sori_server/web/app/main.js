import { offerAppearance } from "./appearance.js";
import { Banner } from "./banner.js";
import { Captions } from "./captions.js";
import { LatencyChart } from "./chart.js";
import { offerControls } from "./controls.js";
import { Exports } from "./exports.js";
import { translatePage } from "./i18n.js";
import { LatencyLog } from "./latency.js";
import { Page } from "./page.js";
import { Settings } from "./settings.js";
import { Transcript } from "./transcript.js";
import { Wave } from "./wave.js";

offerAppearance();
translatePage();

const transcript = new Transcript();
const latency = new LatencyLog();
const page = new Page({
  transcript,
  latency,
  banner: new Banner(),
  captions: new Captions(),
  chart: new LatencyChart(latency),
  exports: new Exports(transcript),
  settings: new Settings(),
  wave: new Wave(),
});
offerControls(page);
void page.findOffers();
