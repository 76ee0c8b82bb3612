#include "simulation_page.h"

namespace packstore::cli {

const char* const kSimulationPageStyle = R"css(
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2733; }
body { margin: 24px auto; max-width: 1180px; }
h1 { font-size: 22px; } h2 { font-size: 17px; margin-top: 28px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 2px 10px; text-align: right; }
th { border-bottom: 2px solid #8896a5; cursor: help; font-weight: 600; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
tr.first td { border-top: 1px solid #cfd6de; }
#controls { display: flex; gap: 12px; align-items: center; flex-wrap: wrap; }
#controls input[type=range] { flex: 1 1 320px; }
#charts, #layers { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
figure { margin: 0; } figcaption { font-weight: 600; margin: 6px 0 2px; }
svg { background: #f7f9fb; border: 1px solid #dde3ea; width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: #55626f; }
)css";

// Draws with what the browser brings; no library. Fields of the arrays: simulation_page.cc.
const char* const kSimulationPageScript = R"js(
'use strict';
const runs = JSON.parse(document.getElementById('runs').textContent);
const colours = ['#c2571a', '#1f6f8b', '#6b4fa0', '#2e7d32', '#9c27b0', '#455a64'];
const workloads = [...new Set(runs.map(run => run.workload))];
const drawn = new Set(['svg', 'line', 'polyline', 'rect', 'text', 'title']);
const width = 560, height = 300, edge = 36;
let chosen = [], flush = 0, timer = null;

function element(name, attributes, parent) {
  const made = drawn.has(name) ? document.createElementNS('http://www.w3.org/2000/svg', name)
                               : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}
function figure(parent, caption) {
  const box = element('figure', {}, parent);
  const title = element('figcaption', {}, box);
  title.textContent = caption;
  const svg = element('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img'}, box);
  return {title, svg};
}
function label(svg, x, y, text, anchor) {
  element('text', {x, y, 'text-anchor': anchor || 'start'}, svg).textContent = text;
}

const controls = document.getElementById('controls');
const select = element('select', {id: 'workload', 'aria-label': 'workload'}, controls);
for (const name of workloads) element('option', {value: name}, select).textContent = name;
const play = element('button', {id: 'play'}, controls);
const slider = element('input', {type: 'range', id: 'flush', min: 0, value: 0,
                                 'aria-label': 'flush'}, controls);
const place = element('span', {id: 'place'}, controls);

function drawCharts() {
  const charts = document.getElementById('charts');
  charts.replaceChildren();
  const series = ['write amplification', 'layers read, any page', 'layers read, hot pages',
                  'live bytes over log'];
  series.forEach((name, index) => {
    const {svg} = figure(charts, name);
    const values = chosen.flatMap(run => run.points.map(point => point[index + 1]));
    const top = Math.max(1e-9, ...values);
    const last = Math.max(1, ...chosen.map(run => run.points.length - 1));
    const x = at => edge + at / last * (width - edge - 8);
    const y = value => height - 20 - value / top * (height - 36);
    for (const part of [0, 0.5, 1]) {
      element('line', {x1: edge, x2: width - 8, y1: y(top * part), y2: y(top * part),
                       stroke: '#dde3ea'}, svg);
      label(svg, edge - 4, y(top * part) + 4, (top * part).toFixed(2), 'end');
    }
    label(svg, width - 8, height - 5, `flush ${last}`, 'end');
    chosen.forEach((run, number) => {
      const line = run.points.map(
          (point, at) => `${x(at).toFixed(1)},${y(point[index + 1]).toFixed(1)}`);
      element('polyline', {points: line.join(' '), fill: 'none', 'stroke-width': 1.6,
                           stroke: colours[number % colours.length]}, svg);
      const legend = element('text', {x: edge + 8 + number * 120, y: 14}, svg);
      legend.textContent = run.policy;
      legend.style.fill = colours[number % colours.length];
    });
  });
}

function drawLayers() {
  const box = document.getElementById('layers');
  box.replaceChildren();
  for (const run of chosen) {
    const now = Math.min(flush, run.points.length - 1);
    const point = run.points[now];
    const shown = run.lives.filter(life => life[6] <= now && now < life[7]);
    const [write, any, hot] = point.slice(1, 4).map(value => value.toFixed(2));
    const layers = shown.reduce((sum, life) => sum + life[8], 0);
    const {svg} = figure(
        box, `${run.policy}: ${layers} layers, write ${write}, read ${any} any, ${hot} hot`);
    const top = run.points[run.points.length - 1][0];
    const x = position => edge + position / Math.max(1, run.cells) * (width - edge - 8);
    const y = lsn => height - 20 - lsn / top * (height - 28);
    for (const [kind, from, to, begin, end, bytes, , , count] of shown) {
      const left = x(from), right = Math.max(left + 1, x(to));
      const attributes = kind === 1
          ? {x: left, y: y(begin) - 1.5, width: right - left, height: 3, fill: '#e08a2e'}
          : {x: left, y: y(end), width: right - left, height: Math.max(1, y(begin) - y(end)),
             fill: '#4b8fb3', 'fill-opacity': 0.45, stroke: '#1f4f66', 'stroke-width': 0.5};
      const rectangle = element('rect', attributes, svg);
      const name = (kind === 1 ? 'image' : 'delta') + (count > 1 ? 's' : '');
      element('title', {}, rectangle).textContent =
          `${count} ${name}, ${(bytes / 1048576).toFixed(1)} MiB, LSN ${begin} to ${end}`;
    }
    label(svg, width - 8, height - 5, 'keys', 'end');
    label(svg, 4, 14, 'LSN');
  }
  place.textContent = `after flush ${flush + 1} of ${Number(slider.max) + 1}`;
}

function choose(name) {
  chosen = runs.filter(run => run.workload === name);
  slider.max = Math.max(0, ...chosen.map(run => run.points.length - 1));
  flush = Number(slider.max);
  slider.value = flush;
  drawCharts();
  drawLayers();
}
function pause() {
  clearInterval(timer);
  timer = null;
  play.textContent = 'Play';
}
function step() {
  if (flush >= Number(slider.max)) return pause();
  flush += 1;
  slider.value = flush;
  drawLayers();
}
play.addEventListener('click', () => {
  if (timer !== null) return pause();
  if (flush >= Number(slider.max)) flush = -1;
  play.textContent = 'Pause';
  timer = setInterval(step, 150);
});
slider.addEventListener('input', () => { pause(); flush = Number(slider.value); drawLayers(); });
select.addEventListener('change', () => { pause(); choose(select.value); });
pause();
if (workloads.length > 0) choose(workloads[0]);
)js";

}  // namespace packstore::cli
