// Servers side by side under the same load, in alternating runs of the same minute.
import { wrk } from './load.mjs';
import { table } from './report.mjs';

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const columns = [['rate', 'req/s', 0], ['p50', 'p50 ms', 3], ['p99', 'p99 ms', 3], ['cost', 'CPU us/req', 2], ['rss', 'RSS MiB', 1],
  ['served', 'server busy', 2], ['busy', 'load busy', 2], ['others', 'others busy', 2]];
const compared = ['rate', 'p50', 'p99', 'cost'];

/**
 * Runs each server in each of `bench.pairs` rounds, whose order turns; prints the medians,
 * and for the last two servers those of the ratios within a round, second by first.
 * `subjects` are [server, load] pairs. Resolves with {rate, p50, p99, cost, busy}: ratios, but
 * busy is the busiest load generator's share of its core.
 */
export async function compare(bench, title, subjects, measure = wrk) {
  const runs = subjects.map(() => []);
  for (const [server, load] of subjects) await measure(server, load, server.warmUp ?? 1);
  for (let round = 0; round < bench.pairs; ++round) {
    const order = subjects.map((_, i) => (round % 2 ? subjects.length - 1 - i : i));
    for (const i of order) runs[i].push(await measure(...subjects[i], bench.seconds));
  }
  const shown = columns.filter(([key]) => runs[0][0][key] !== undefined);
  const rows = subjects.map(([server], i) => [server.name,
    ...shown.map(([key, , digits]) => median(runs[i].map((run) => run[key])).toFixed(digits)), server.first?.toFixed(0) ?? '']);
  const [a, b] = runs.slice(-2);
  const ratios = Object.fromEntries(compared.filter((key) => a[0][key] !== undefined)
    .map((key) => [key, median(b.map((run, i) => run[key] / a[i][key]))]));
  const names = subjects.slice(-2).map(([server]) => server.name);
  rows.push([`${names[1]} / ${names[0]}`, ...shown.map(([key]) => ratios[key]?.toFixed(3) ?? ''), '']);
  table(`${title} (${bench.pairs} rounds of ${bench.seconds} s)`, ['', ...shown.map(([, label]) => label), 'first ms'], rows);
  return { ...ratios, busy: Math.max(...[a, b].map((one) => median(one.map((run) => run.busy)))) };
}
