// Server processes: started on a core of their own, measured from /proc, stopped.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';

export const serverCore = '0';
export const loadCore = '1';

const living = new Set();

/** Starts a program on `cores`. Its stderr is this process's own unless `quiet`. */
export function launch(program, args, { cores = serverCore, env = {}, quiet = false } = {}) {
  const child = spawn('taskset', ['-c', cores, program, ...args],
    { stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'], env: { ...process.env, ...env } });
  living.add(child);
  child.ended = new Promise((resolve) => child.once('exit', (code) => { living.delete(child); resolve(code); }));
  return child;
}

export async function stop(child) {
  if (living.has(child)) child.kill('SIGTERM');
  await child.ended;
}

export const stopAll = () => Promise.all([...living].map(stop));

/** A process and those below it. Empty once it is gone. */
export function family(pid) {
  const out = [pid];
  for (let i = 0; i < out.length; ++i) {
    for (const task of list(`/proc/${out[i]}/task`)) {
      out.push(...read(`/proc/${out[i]}/task/${task}/children`).split(' ').filter(Boolean).map(Number));
    }
  }
  return out;
}

/** Microseconds of CPU that all threads of the processes have used; exact to the nanosecond where they sleep. */
export function cpuMicros(pids) {
  let nanos = 0;
  for (const pid of pids) {
    for (const task of list(`/proc/${pid}/task`)) nanos += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]);
  }
  return nanos / 1e3;
}

/** Microseconds that the two cores have spent on anything, to a hundredth of a second. */
export function coresMicros() {
  let ticks = 0;
  for (const core of [serverCore, loadCore]) {
    const [user, nice, system, , , interrupts, soft, stolen] = new RegExp(`^cpu${core} (.*)$`, 'm').exec(read('/proc/stat'))[1].split(' ').map(Number);
    ticks += user + nice + system + interrupts + soft + stolen;
  }
  return ticks * 1e4;
}

/** KiB of memory of the processes: Rss counts a shared page for each, Pss once. */
export function memoryKiB(pids, kind) {
  let sum = 0;
  for (const pid of pids) sum += Number(new RegExp(`^${kind}:\\s+(\\d+)`, 'm').exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return sum;
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** What a program prints about its version: the first line that holds a number. */
export function version(program, ...args) {
  const text = execFileSync('sh', ['-c', '"$@" 2>&1 || true', 'sh', program, ...args]).toString();
  return (text.split('\n').find((line) => /\d\.\d/.test(line)) ?? 'unknown').trim();
}

function list(path) {
  try { return readdirSync(path); } catch { return []; }
}

// A thread or process may end between being listed and being read.
function read(path) {
  try { return readFileSync(path, 'utf8'); } catch { return ''; }
}
