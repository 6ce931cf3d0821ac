// The load, and what it saw: wrk for as much as a server takes.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { coresMicros, cpuMicros, loadCore, memoryKiB } from './processes.mjs';

const script = fileURLToPath(new URL('load.lua', import.meta.url));
const milliseconds = { us: 1e-3, ms: 1, s: 1e3, m: 6e4 };

/** Runs a program on the load core: {out, busy, wall (µs)}; busy is its share of that core. */
export function onLoadCore(program, args) {
  const timed = 'TIMEFORMAT="busy %R %U %S"; time "$@"';
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', timed, 'bash', 'taskset', '-c', loadCore, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      const [, real, user, system] = /busy ([\d.]+) ([\d.]+) ([\d.]+)\n$/.exec(errors) ?? [];
      if (code !== 0 || real === undefined) reject(new Error(`${program} ended with ${code}: ${out}${errors}`));
      else resolve({ out, busy: (Number(user) + Number(system)) / Number(real), wall: Number(real) * 1e6 });
    });
  });
}

/**
 * What a server spent while a program ran on the load core, and until it had written what it
 * still held of it: {out, micros}, and shares of cores: busy (the program), served (the
 * server), others (everybody else, of both cores).
 */
export async function costOf(server, program, args) {
  const [before, cores] = [cpuMicros(server.pids), coresMicros()];
  const { out, busy, wall } = await onLoadCore(program, args);
  const both = coresMicros() - cores;
  const served = (cpuMicros(server.pids) - before) / wall;
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { out, busy, served, others: Math.max(0, (both / wall - served - busy) / 2), micros: cpuMicros(server.pids) - before };
}

/** One run of wrk: {rate, p50, p99 (ms), cost (µs of CPU for each request), rss (MiB)}, and costOf's shares. */
export async function wrk(server, { path, headers = {}, depth = 1, paths = 1, connections = 32 }, seconds) {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const run = await costOf(server, 'wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...fields,
    '-s', script, server.origin + server.base + path, '--', String(depth), String(paths)]);
  // wrk counts an answer that took over 2 s as an error, which is how slow some peers are.
  const errors = server.slow ? /Non-2xx|Socket errors: (?!connect 0, read 0, write 0,)/ : /Non-2xx|Socket errors/;
  if (errors.test(run.out)) throw new Error(`${server.name}: ${run.out}`);
  const latency = (share) => {
    const [, value, unit] = new RegExp(`^\\s+${share}%\\s+([\\d.]+)(\\w+)`, 'm').exec(run.out);
    return Number(value) * milliseconds[unit];
  };
  const requests = Number(/(\d+) requests in/.exec(run.out)[1]);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(run.out)[1]), p50: latency(50), p99: latency(99),
    cost: run.micros / requests, busy: run.busy, served: run.served, others: run.others, rss: memoryKiB(server.pids, 'Rss') / 1024,
  };
}
