// run.mjs [--list] [SCENARIO…]: the running host beside others, each bar with its figure.
//
// One server core, one load core. CPU is what all threads of the server used between before
// and after a run; requests are those that the load generator counted. Machines are noisy:
// read the ratios, not the absolute figures.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from './mimus.mjs';
import { versions } from './others.mjs';
import { stopAll, version } from './processes.mjs';
import { unjudged, verdicts } from './report.mjs';

const names = ['plain', 'cached', 'connections', 'bodies', 'latency', 'workers', 'endpoints', 'start', 'memory', 'plugins', 'calm', 'channels'];

const scenarios = await Promise.all(names.map(async (name) => ({ name, ...await import(`./scenarios/${name}.mjs`) })));
const chosen = process.argv.slice(2);
if (chosen.includes('--list')) {
  for (const { name, about } of scenarios) console.log(`${name.padEnd(14)}${about}`);
  process.exit(0);
}
const unknown = chosen.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`bench: no scenario "${unknown}"; --list shows them`);
  process.exit(2);
}

const bench = {
  pairs: Number(process.env.MIMUS_BENCH_PAIRS ?? 5),
  seconds: Number(process.env.MIMUS_BENCH_SECONDS ?? 3),
  scratch: mkdtempSync(join(tmpdir(), 'mimus-bench-')),
};
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => { await stopAll(); rmSync(bench.scratch, { recursive: true, force: true }); process.exit(1); });
}
try {
  console.log([version(binary, '--version'), version('nginx', '-v'), versions(), version('wrk', '-v')].join('; '));
  for (const scenario of scenarios) {
    if (chosen.length > 0 && !chosen.includes(scenario.name)) continue;
    try {
      await scenario.run(bench);
    } catch (error) {
      unjudged(scenario.name, '', `failed: ${error.message}`);
      process.exitCode = 1;
    } finally {
      await stopAll();
    }
  }
  verdicts();
} finally {
  rmSync(bench.scratch, { recursive: true, force: true });
}
