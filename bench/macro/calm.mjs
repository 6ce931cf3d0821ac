// calm.mjs [CONNECTIONS [SECONDS]]: how long a healthy client waits while slowhttptest is at work, in each of its modes.
//
// Prints a table; the last figure is the longest wait of all. slowhttptest shares the client's core, at
// the lowest priority: it is the server's calm that is measured, not the scheduler's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Healthy } from '../../tests/e2e/healthy.mjs';
import { endpoints, modes, slowhttptest } from '../../tests/e2e/slowhttptest.mjs';
import { startMimus } from './mimus.mjs';
import { cpuMicros, stopAll } from './processes.mjs';
import { table } from './report.mjs';

const [connections = 1000, seconds = 15] = process.argv.slice(2).map(Number);
const scratch = mkdtempSync(join(tmpdir(), 'mimus-bench-'));
try {
  const server = await startMimus(scratch, { definitions: endpoints });
  const rows = [];
  for (const mode of [undefined, ...Object.keys(modes)]) {
    const healthy = await Healthy.start(server, `${server.base}/plain`);
    const before = cpuMicros(server.pids);
    const since = performance.now();
    const report = mode === undefined
      ? await new Promise((go) => { setTimeout(go, 3000); })
      : await slowhttptest(mode, server.origin + server.base, { connections, seconds, under: ['nice', '-n', '19'] });
    const busy = (cpuMicros(server.pids) - before) / 10 / (performance.now() - since);
    const { count, failures, worst, p99 } = await healthy.stop();
    if (failures.length > 0) throw new Error(`${mode}: ${failures}`);
    if (mode !== undefined && !/service available:\s+YES/.test(report)) throw new Error(`${mode}: ${report}`);
    rows.push([mode ?? 'nobody slow', count, p99, worst, busy]);
  }
  await server.stop();
  table(`A healthy client beside ${connections} slow ones, ms`, ['', 'requests', 'p99', 'worst', 'server busy'],
    rows.map(([mode, count, p99, worst, busy]) => [mode, count, p99.toFixed(2), worst.toFixed(2), `${busy.toFixed(1)} %`]));
  console.log(`longest wait: ${Math.max(...rows.map(([, , , worst]) => worst)).toFixed(1)} ms`);
} finally {
  await stopAll();
  rmSync(scratch, { recursive: true, force: true });
}
