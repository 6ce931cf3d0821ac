// Clients who are many: idle ones weigh little, those beyond a limit are closed at once and counted.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { ask, assertGrowth, besideAHealthyClient, cpuSeconds, dial, get, many, memory, metrics, pause, sanitized, serverPid, startWith } from './calm.mjs';
import { eventually } from './check.mjs';
import { upstream } from './host.mjs';

const turnedAway = (reason) => `connections_refused_total{reason="${reason}"}`;
const plain = [{ method: 'GET', path: '/x', responses: [{ body: 'x' }] }];

/** A connection that has served a request. */
async function served(host, options) {
  const socket = await dial(host, options);
  assert.match(await ask(socket, get('/mock/m/x')), /^HTTP\/1\.1 200 /);
  return socket;
}

/** `n` more connections, a hundred at a time. */
async function flood(host, n, options) {
  const open = [];
  for (let i = 0; i < n; i += 100) {
    open.push(...await many(Math.min(100, n - i), () => dial(host, options)));
  }
  return open;
}

test('10,000 idle connections weigh at most 2 KiB each, and others are served', async (t) => {
  const files = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
  const n = Math.min(sanitized ? 2000 : 10_000, files - 1000);
  if (n < 10_000) t.diagnostic(`only ${n}: ${sanitized ? 'a sanitizer watches' : `at most ${files} files`}`);
  const host = await startWith({ keepAliveMs: 600_000 });
  await host.api('m', plain);
  for (const socket of await many(200, () => served(host))) socket.destroy();
  await eventually(async () => (await metrics(host)).connections_active < 10, 'the warm-up is over');
  const before = memory(host, 'smaps_rollup', 'Pss');
  const idle = [];
  for (let i = 0; i < n; i += 100) idle.push(...await many(100, (k) => served(host, { localAddress: `127.0.0.${1 + (k % 4)}` })));
  const each = (memory(host, 'smaps_rollup', 'Pss') - before) / n;
  t.diagnostic(`${each.toFixed(0)} bytes of process memory for each of ${n} idle connections`);
  if (!sanitized) assert.ok(each <= 2048, `${each} bytes`);
  assert.ok((await metrics(host)).connections_active >= n);
  await besideAHealthyClient(t, host, '/mock/m/x', async () => {
    for (const socket of idle.slice(0, 500)) assert.match(await ask(socket, get('/mock/m/x')), /^HTTP\/1\.1 200 /);
  });
  const since = Date.now();
  const gone = Promise.all(idle.map((socket) => socket.gone));
  assert.equal(await host.stop(), 0);
  assert.ok((await gone).every((how) => how === 'end'), 'all were closed cleanly');
  t.diagnostic(`stopped in ${Date.now() - since} ms`);
});

test('a flood beyond maxConnections is closed at once, and those who were there are served', async (t) => {
  const host = await startWith({ maxConnections: 100 });
  await host.api('m', plain);
  await besideAHealthyClient(t, host, '/mock/m/x', async () => {
    const kept = [];
    while ((kept.at(-1)?.text ?? 'x') !== '') {  // until one is closed without an answer
      const socket = await dial(host);
      await ask(socket, get('/mock/m/x')).catch(() => {});
      kept.push(socket);
    }
    kept.pop();
    await assertGrowth(t, host, 10, async () => {
      const flooding = await flood(host, 2000);
      for (const socket of flooding) await socket.gone;
      assert.ok(flooding.every((socket) => socket.text === ''));
    });
    for (const socket of kept) assert.match(await ask(socket, get('/mock/m/x')), /^HTTP\/1\.1 200 /);
    for (const socket of kept) socket.destroy();
    await eventually(() => served(host).catch(() => undefined), 'there is room again');
  }, { fresh: false });
  const counted = (await metrics(host))[turnedAway('max_connections')];
  // A place that another client of ours left meanwhile went to one of them.
  assert.ok(counted >= 1980, `${counted} were counted`);
  assert.equal(await host.stop(), 0);
});

test('a flood from one address beyond maxConnectionsPerIp hurts no other address', async (t) => {
  const host = await startWith({ maxConnectionsPerIp: 50 });
  await host.api('m', plain);
  await besideAHealthyClient(t, host, '/mock/m/x', async () => {
    const flooding = await flood(host, 1000, { localAddress: '127.0.0.2' });
    await eventually(async () => (await metrics(host))[turnedAway('max_connections_per_ip')] === 950, 'all but 50 are counted');
    await eventually(() => flooding.filter((socket) => socket.destroyed).length === 950, 'and closed');
    for (const socket of flooding) socket.destroy();
    await eventually(async () => (await metrics(host)).connections_active < 20, 'the rest has left');
    (await served(host, { localAddress: '127.0.0.2' })).destroy();
  });
  assert.equal(await host.stop(), 0);
});

/**
 * 300 clients come to `host`, which has descriptors for fewer: each is served or closed at once. The
 * host must go on with everything else for those it has; then there is room for new ones.
 */
async function exhaust(t, host, whileFull) {
  const first = await served(host);
  const all = await flood(host, 300);
  for (const socket of all) socket.asked = ask(socket, get('/mock/m/x')).catch(() => '');
  const answers = await Promise.all(all.map((socket) => socket.asked));
  const rest = all.filter((_, i) => answers[i] !== '');
  t.diagnostic(`${rest.length} of 300 were served`);
  assert.ok(rest.length < 300);
  for (const answer of answers) assert.match(answer, /^$|^HTTP\/1\.1 200 /);
  const since = cpuSeconds(host);
  const began = performance.now();
  await pause(1000);
  const used = (cpuSeconds(host) - since) * 1000 / (performance.now() - began);
  t.diagnostic(`${used.toFixed(2)} s of CPU in a second without descriptors`);
  if (!sanitized) assert.ok(used < 0.3, `${used} s`);
  assert.match(await ask(first, get('/mock/m/x')), /^HTTP\/1\.1 200 /);
  await whileFull(first);
  for (const socket of all) socket.destroy();
  await eventually(() => served(host).then((socket) => socket.destroy(), () => false).then((no) => no !== false), 'there is room again');
  return 300 - rest.length;
}

test('without descriptors for more clients each is closed at once, and the rest of the host has some', async (t) => {
  const up = await upstream((_, response) => response.end('from upstream'));
  const host = await startWith({}, { under: ['sh', '-c', 'ulimit -n 150; exec "$0" "$@"'] });
  const api = await host.api('m', [...plain, { method: 'GET', path: '/far', proxyMode: true, proxyTarget: up.url }]);
  const refused = await exhaust(t, host, async (first) => {
    assert.match(await ask(first, get('/mock/m/far')), /^HTTP\/1\.1 200 [^]*from upstream/);
    const made = await ask(first, `POST /admin/api-definitions/${api.id}/endpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${host.token}\r\n`
      + 'Content-Type: application/json\r\nContent-Length: 32\r\n\r\n{"method":"GET","path":"/newer"}');
    assert.match(made, /^HTTP\/1\.1 201 /);
  });
  const counted = await metrics(host);
  assert.ok(counted[turnedAway('no_descriptor')] >= refused, `${counted[turnedAway('no_descriptor')]} of ${refused} counted`);
  assert.equal(counted.journal_lost_total + counted.journal_write_errors_total, 0);
  assert.doesNotMatch(host.errors, /Z error /);
  assert.equal(await host.stop(), 0);
  await up.stop();
});

test('when there are none at all it is the reserved descriptor that closes them', async (t) => {
  const host = await startWith({});
  await host.api('m', plain);
  await served(host);
  const pid = serverPid(host);
  const open = Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number));
  execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${open + 20}:`]);
  const refused = await exhaust(t, host, async () => {});
  const counted = (await metrics(host))[turnedAway('no_descriptor')];
  assert.ok(counted >= refused, `${counted} of ${refused} counted`);
  assert.equal(await host.stop(), 0);
});
