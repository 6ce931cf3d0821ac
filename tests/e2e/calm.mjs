// What the calm-* stories share: a healthy client beside the abusers, and what the server counts and weighs.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Healthy } from './healthy.mjs';
import { Host, scratch } from './host.mjs';

/** Sanitizers cost memory and time of their own: what is measured is asserted without them. */
export const sanitized = Boolean(process.env.MIMUS_SANITIZE);

export const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

/** `make(i)` for i below n, all at once. */
export const many = (n, make) => Promise.all(Array.from({ length: n }, (_, i) => make(i)));

export const pause = (ms) => new Promise((go) => { setTimeout(go, ms); });

/** A host with a config file of these members; stop() as ever. */
export async function startWith(config, options = {}) {
  const directory = scratch();
  const file = join(directory.path, 'mimus.json');
  writeFileSync(file, JSON.stringify(config));
  try {
    return await Host.start({ ...options, args: ['--config', file, ...(options.args ?? [])] });
  } finally {
    directory.remove();
  }
}

/** All values of /metrics by name and labels as they are written there. */
export async function metrics(host) {
  const answer = await fetch(`${host.url}/metrics`, { headers: { authorization: `Bearer ${host.token}` } });
  assert.equal(answer.status, 200);
  const values = {};
  for (const line of (await answer.text()).split('\n')) {
    const space = line.lastIndexOf(' ');
    if (line !== '' && !line.startsWith('#')) values[line.slice('mimus_'.length, space)] = Number(line.slice(space + 1));
  }
  return values;
}

/** The server's process: the supervisor's only child. */
export function serverPid(host) {
  const { pid } = host.child;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** How many files and sockets the server has open. */
export const descriptors = (host) => readdirSync(`/proc/${serverPid(host)}/fd`).length;

/** A line of /proc/PID/FILE in bytes; of status: VmHWM, VmRSS; of smaps_rollup: Pss, Private_Dirty. */
export function memory(host, file, line) {
  const text = readFileSync(`/proc/${serverPid(host)}/${file}`, 'utf8');
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(text)[1]) * 1024;
}

/** Runs `work`; fails if the server's memory ever grew by more than `ceiling` MiB meanwhile. */
export async function assertGrowth(t, host, ceiling, work) {
  writeFileSync(`/proc/${serverPid(host)}/clear_refs`, '5');  // the peak starts anew
  const before = memory(host, 'status', 'VmRSS');
  await work();
  const grown = (memory(host, 'status', 'VmHWM') - before) / 2 ** 20;
  t.diagnostic(`the server's memory grew by ${grown.toFixed(1)} MiB at most`);
  if (!sanitized) assert.ok(grown <= ceiling, `${grown} MiB`);
}

/** Sends `bytes` and resolves once something has come back; rejects if the connection ends before. */
export async function ask(socket, bytes) {
  socket.text = '';
  socket.write(bytes);
  const how = await Promise.race([socket.gone, new Promise((go) => { socket.once('data', () => go(null)); })]);
  if (how !== null && socket.text === '') throw new Error(`the connection ended with ${how}`);
  return socket.text;
}

/** Seconds of CPU that the server has used. */
export function cpuSeconds(host) {
  const fields = readFileSync(`/proc/${serverPid(host)}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A connected socket that gathers what comes in `text`; `gone` resolves with how it ended. */
export async function dial(host, { localAddress, paused = false } = {}) {
  const socket = connect({ port: host.port, host: '127.0.0.1', localAddress, noDelay: true, allowHalfOpen: true });
  socket.text = '';
  socket.gone = new Promise((resolve) => {
    let how = 'end';
    socket.on('error', (error) => { how = error.code; });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(how));
  });
  if (!paused) socket.on('data', (chunk) => { socket.text += chunk.toString('latin1'); });
  await Promise.race([once(socket, 'connect'), socket.gone]);
  return socket;
}

/** Runs `abuse` while a healthy client asks for `path`: each of its answers is a 200 within `bound` ms. */
export async function besideAHealthyClient(t, host, path, abuse, { bound = 1000, ...options } = {}) {
  const healthy = await Healthy.start(host, path, options);
  let result;
  try {
    await abuse();
  } finally {
    result = await healthy.stop();
  }
  const { count, failures, worst, p99 } = result;
  t.diagnostic(`a healthy client's ${count} requests waited ${worst.toFixed(1)} ms at worst, p99 ${p99.toFixed(1)} ms`);
  assert.deepEqual(failures, []);
  assert.ok(count > 0, 'it asked');
  assert.ok(worst < bound * (sanitized ? 10 : 1), `${worst} ms`);
}
