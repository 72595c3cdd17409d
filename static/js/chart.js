// The chart of run times. Its numbers are those of the table below it; the library is fetched when there is something to draw.

const box = document.querySelector('#runs');
const area = box.querySelector('.chart');
const readout = box.querySelector('.readout');
const tz = box.dataset.tz;
const probe = area.appendChild(document.createElement('i')); // tells what a colour of the styles is
let library;
let plot;

function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

const format = (options) => {
  const f = new Intl.DateTimeFormat('en-GB', { timeZone: tz, ...options });
  return (seconds) => f.format(seconds * 1000);
};
const clock = format({ hour: '2-digit', minute: '2-digit' });
const date = format({ day: 'numeric', month: 'short' });

function length(s) {
  const [n, unit] = s < 1 ? [s * 1000, 'ms'] : s < 60 ? [s, 's'] : s < 3600 ? [s / 60, 'min'] : [s / 3600, 'h'];
  return s ? `${Number(n.toFixed(1))} ${unit}` : '0';
}

// Days are named where they begin; above steps of a day there is no time.
const ticks = (_, splits, axis, space, step) => splits.map((s, i) => {
  if (step >= 86400) return date(s);
  return i && date(s) === date(splits[i - 1]) ? clock(s) : `${clock(s)}\n${date(s)}`;
});

// A line across the chart, and its name beside it, moved by shift.
function level(u, y, name, shift) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('--mut');
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${11 * devicePixelRatio}px Inter, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.fillText(name, bbox.left + bbox.width + 5 * devicePixelRatio, y + shift);
  ctx.restore();
}

function draw() {
  plot?.destroy();
  plot = null;
  const table = box.querySelector('.runtable');
  if (!table) return;
  const runs = [...table.querySelectorAll('tr[data-s]')].reverse().map((tr) => ({
    at: Date.parse(tr.querySelector('time').dateTime) / 1000, took: Number(tr.dataset.s), failed: tr.lastElementChild.textContent === 'failure', link: tr.querySelector('a'),
  }));
  const { p50, p95 } = table.dataset;
  const font = '12px Inter, sans-serif';
  const axis = { stroke: colour('--mut'), grid: { stroke: colour('--line2'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, font };
  plot = new window.uPlot({
    width: area.clientWidth,
    height: area.clientHeight,
    tzDate: (s) => window.uPlot.tzDate(new Date(s * 1000), tz),
    legend: { show: false },
    padding: [null, 34, null, null], // for the names of levels
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 9 } },
    scales: { x: { range: (u, first, last) => (runs.length === 1 ? [first - 1800, first + 1800] : [first, last]) }, y: { range: (u, min, most) => [0, most * 1.12 || 1] } },
    axes: [
      { ...axis, values: ticks, space: 70, size: (_, texts) => (texts?.some((t) => t.includes('\n')) ? 50 : 34) },
      { ...axis, size: 62, values: (_, splits) => splits.map(length), incrs: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200] },
    ],
    series: [
      {},
      { stroke: colour('--run'), width: 1.5, points: { show: runs.length < 150, size: 5, fill: colour('--run') } },
      { stroke: colour('--down'), paths: () => null, points: { show: true, size: 10, width: 2, stroke: colour('--down'), fill: colour('--card') } },
    ],
    hooks: {
      draw: [(u) => {
        if (runs.length < 3) return;
        const [half, most] = [p50, p95].map((s) => Math.round(u.valToPos(Number(s), 'y', true)) + 0.5);
        const apart = Math.max(0, 13 * devicePixelRatio - (half - most)) / 2; // names of lines that are close
        level(u, half, 'p50', p50 === p95 ? 0 : apart);
        if (p50 !== p95) level(u, most, 'p95', -apart);
      }],
      setCursor: [(u) => {
        const run = runs[u.cursor.idx];
        readout.textContent = run ? `${date(run.at)} ${clock(run.at)}: ${length(run.took)}${run.failed ? ', failure' : ''}` : '\u00a0';
      }],
    },
  }, [runs.map((r) => r.at), runs.map((r) => r.took), runs.map((r) => (r.failed ? r.took : null))], area);
  plot.over.addEventListener('click', () => runs[plot.cursor.idx]?.link.click());
}

function redraw() {
  if (box.hidden) return;
  library ??= new Promise((done, fail) => {
    const script = document.createElement('script');
    script.src = box.dataset.uplot;
    script.onload = done;
    script.onerror = fail;
    document.head.append(script);
  });
  library.then(draw, () => { area.hidden = readout.hidden = true; }); // the table is there
}

box.addEventListener('runs', redraw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ['data-theme'] });
new ResizeObserver(() => plot?.setSize({ width: area.clientWidth, height: area.clientHeight })).observe(area);
redraw();
