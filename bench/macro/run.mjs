// The running host beside nginx, in alternating runs: what each request costs the server.
//
// One server core, one load core. CPU is user and system time of all threads of the server,
// read from /proc before and after each run; requests are those that wrk counted. These
// machines are noisy: read the ratios, not the absolute figures.
import { spawn, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, connect } from 'node:net';

const mimus = process.env.MIMUS_BINARY;
const pairs = Number(process.env.MIMUS_BENCH_PAIRS ?? 5);
const seconds = Number(process.env.MIMUS_BENCH_SECONDS ?? 3);
const connections = 32;
const scratch = mkdtempSync(join(tmpdir(), 'mimus-bench-'));
const ticks = Number(execFileSync('getconf', ['CLK_TCK']));
const running = [];

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
};

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when something accepts on the port. */
async function accepting(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
  }
}

/** Microseconds of CPU that the processes have used. */
function cpu(pids) {
  let used = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    used += Number(fields[11]) + Number(fields[12]);
  }
  return (used / ticks) * 1e6;
}

const children = (pid) => execFileSync('pgrep', ['-P', String(pid)]).toString().trim().split('\n').map(Number);

async function startNginx() {
  const port = await freePort();
  const config = join(scratch, 'nginx.conf');
  writeFileSync(config, `worker_processes 1; daemon off; pid ${scratch}/nginx.pid; error_log ${scratch}/error.log;
    events { worker_connections 1024; }
    http { access_log ${scratch}/access.log combined buffer=64k flush=1s; keepalive_requests 1000000000;
      server { listen 127.0.0.1:${port} reuseport; location / { default_type application/json; return 200 '{"id":1,"name":"Ada"}'; } } }`);
  const began = process.hrtime.bigint();
  const child = spawn('taskset', ['-c', '0', 'nginx', '-c', config, '-e', join(scratch, 'error.log')], { stdio: 'ignore' });
  running.push(child);
  await accepting(port);
  const ready = Number(process.hrtime.bigint() - began) / 1e6;
  return { name: 'nginx', url: `http://127.0.0.1:${port}/users/1`, child, pids: children(child.pid), ready };
}

async function admin(host, method, path, body) {
  const answer = await fetch(host.origin + path, {
    method, headers: { authorization: 'Bearer bench', 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} was ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function startMimus(name, { data = join(scratch, name), args = [] } = {}) {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const began = process.hrtime.bigint();
  const child = spawn('taskset', ['-c', '0', mimus, 'serve', '--listen', '127.0.0.1:0', '--data', data, '--workers', '1', ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, MIMUS_ADMIN_TOKEN: 'bench' } });
  running.push(child);
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(String(chunk)));
    child.once('exit', (code) => reject(new Error(`mimus ended with ${code}`)));
  });
  const ready = Number(process.hrtime.bigint() - began) / 1e6;
  const origin = /http:\/\/[^ ]+/.exec(line)[0];
  return { name, origin, url: `${origin}/mock/bench/users/1`, child, pids: [child.pid, ...children(child.pid)], ready };
}

async function endpoints(host, count) {
  const api = await admin(host, 'POST', '/admin/api-definitions', { slug: 'bench', cors: false });
  const made = { method: 'GET', path: '/users/:id', responses: [{ json: { id: 1, name: 'Ada' } }] };
  await admin(host, 'POST', `/admin/api-definitions/${api.id}/endpoints`, made);
  const others = Array.from({ length: count - 1 }, (_, i) => ({ ...made, path: `/things/${i}/parts/:part` }));
  while (others.length > 0) {
    await Promise.all(others.splice(0, 16).map((one) => admin(host, 'POST', `/admin/api-definitions/${api.id}/endpoints`, one)));
  }
}

/** One run of wrk against a server: requests per second and CPU per request. */
function load(server) {
  const before = cpu(server.pids);
  const out = execFileSync('taskset', ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', server.url]).toString();
  const used = cpu(server.pids) - before;
  const requests = Number(/(\d+) requests in/.exec(out)[1]);
  if (/Non-2xx|Socket errors/.test(out)) throw new Error(`${server.name}: ${out}`);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]), cost: used / requests, p99: /^\s+99%\s+(\S+)/m.exec(out)[1] };
}

function side_by_side(title, a, b) {
  const runs = { [a.name]: [], [b.name]: [] };
  load(a); load(b); // warm
  for (let i = 0; i < pairs; ++i) for (const server of i % 2 ? [b, a] : [a, b]) runs[server.name].push(load(server));
  console.log(`\n${title} (${pairs} pairs of ${seconds} s, ${connections} connections)`);
  console.log(`${''.padEnd(22)}${'req/s'.padStart(10)}${'CPU us/req'.padStart(12)}${'p99'.padStart(10)}`);
  for (const server of [a, b]) {
    const mine = runs[server.name];
    console.log(`${server.name.padEnd(22)}${median(mine.map((r) => r.rate)).toFixed(0).padStart(10)}` +
      `${median(mine.map((r) => r.cost)).toFixed(2).padStart(12)}${mine[Math.floor(pairs / 2)].p99.padStart(10)}`);
  }
  const ratio = (of) => median(runs[b.name].map((r, i) => of(r) / of(runs[a.name][i])));
  console.log(`${`${b.name} / ${a.name}`.padEnd(22)}${ratio((r) => r.rate).toFixed(3).padStart(10)}${ratio((r) => r.cost).toFixed(3).padStart(12)}`);
}

async function stop(server) {
  const gone = new Promise((resolve) => server.child.once('exit', resolve));
  server.child.kill('SIGTERM');
  await gone;
}

try {
  const version = (program, ...args) => {
    const out = spawnSync(program, args);
    return String(out.stdout).concat(String(out.stderr)).trim().split('\n')[0];
  };
  console.log(`${version(mimus, '--version')}; ${version('nginx', '-v')}; ${version('wrk', '-v')}`);

  const nginx = await startNginx();
  const few = await startMimus('mimus, 10 endpoints');
  await endpoints(few, 10);
  side_by_side('A plain mock, lossless journal on, beside nginx `return 200` with a buffered access log', nginx, few);

  const data = join(scratch, 'many');
  const many = await startMimus('mimus, 10000 endpoints', { data });
  await endpoints(many, 10_000);
  side_by_side('The same with 10,000 endpoints, created through the admin API', few, many);
  await stop(many);
  await stop(nginx);

  console.log('\nStart to ready, ms, best of 5');
  const starts = { nginx: [], 'mimus, 10 endpoints': [], 'mimus, 10000 endpoints': [] };
  await stop(few);
  for (let i = 0; i < 5; ++i) {
    for (const [name, start] of [['nginx', startNginx], ['mimus, 10 endpoints', () => startMimus('mimus, 10 endpoints')],
      ['mimus, 10000 endpoints', () => startMimus('mimus, 10000 endpoints', { data })]]) {
      const server = await start();
      starts[name].push(server.ready);
      await stop(server);
    }
  }
  for (const [name, values] of Object.entries(starts)) console.log(`${name.padEnd(24)}${Math.min(...values).toFixed(1).padStart(8)}`);
} finally {
  for (const child of running) if (child.exitCode === null) child.kill('SIGTERM');
  await Promise.all(running.filter((c) => c.exitCode === null && c.signalCode === null).map((c) => new Promise((r) => c.once('exit', r))));
  rmSync(scratch, { recursive: true, force: true });
}
