// Tables, and the verdict on each bar.
const bars = [];

export function table(title, head, rows) {
  const widths = head.map((cell, i) => Math.max(...[head, ...rows].map((row) => String(row[i] ?? '').length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[0]) : String(cell ?? '').padStart(widths[i] + 2))).join('');
  console.log(`\n${title}\n${line(head)}`);
  for (const row of rows) console.log(line(row));
}

/** A figure against its bar: at most it, or with `atLeast` at least. */
export function bar(name, figure, limit, { atLeast = false, unit = '', digits = 3 } = {}) {
  const met = atLeast ? figure >= limit : figure <= limit;
  bars.push([name, `${figure.toFixed(digits)}${unit}`, `${atLeast ? '>=' : '<='} ${limit}${unit}`, met ? 'ok' : 'missed']);
}

/** Requests per second of one server by another's; no verdict where the load generator was the limit. */
export function rateBar(name, { rate, busy }, limit) {
  if (busy < 0.9) bar(name, rate, limit, { atLeast: true });
  else bars.push([name, rate.toFixed(3), `>= ${limit}`, `not judged: load generator ${(busy * 100).toFixed(0)} % busy`]);
}

export const unjudged = (name, limit, why) => bars.push([name, '-', limit, why]);

export function verdicts() {
  table('Bars', ['', 'figure', 'bar', 'verdict'], bars);
}
