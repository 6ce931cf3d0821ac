// Swaps under traffic: requests in flight, held ones and open WebSockets.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { eventually } from './host.mjs';
import { HotHost, cleanUp, id, versions } from './hotload.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');
const now = (...more) => ({ args: ['--plugin-probation', '0', ...more] });
const slow = process.env.MIMUS_SANITIZE;
before(versions);
after(cleanUp);

/** A client of a WebSocket endpoint that has been greeted: by which version, and how it is closed. */
async function client(hot, at) {
  const socket = new WebSocket(hot.host.url.replace('http', 'ws') + at);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let said = 0;
  const greeting = new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data) => { ++said; resolve(JSON.parse(data).data); });
  });
  return { socket, closed, version: await greeting, asks: async () => { const before = said; socket.send('x'); await eventually(() => said > before, 'an answer', 30_000); } };
}

test(`swaps with requests in flight fail none, answer none wrongly, and unload every old image`, () => HotHost.tell({ 'hot.so': 'v1' }, now(), async (hot) => {
  await hot.endpoint();
  await hot.host.api('plain', [{ method: 'GET', path: '/e', responses: [{ body: 'hello' }] }]);
  const swaps = slow ? 30 : 200;
  const seen = new Map();
  let swapping = true;
  const clients = Array.from({ length: 8 }, async () => {
    while (swapping) {
      const { status, text, version } = await hot.ask();
      const what = `${status} ${text} ${version}`;
      seen.set(what, (seen.get(what) ?? 0) + 1);
      const plain = await hot.ask('plain');
      assert.deepEqual([plain.status, plain.text, plain.version], [200, 'hello', null]);
    }
  });
  try {
    for (let i = 0; i < swaps; ++i) {
      if (i % 50 === 25) {
        hot.move(i % 100 === 25 ? 'v2' : 'v1');
        await hot.serves(i % 100 === 25 ? '1.1.0' : '1.0.0');
      }
      const done = await hot.order('reload');
      assert.equal(done.status, 200, done.text);
    }
  } finally {
    swapping = false;
    await Promise.all(clients);
  }
  for (const what of seen.keys()) assert.match(what, /^200 hello 1\.[01]\.0$/);
  const requests = [...seen.values()].reduce((a, b) => a + b, 0);
  assert.ok(requests > swaps, `${requests} requests`);
  const gone = await hot.until((p) => p.images.every((image) => image.state === 'unloaded'), 'all unloaded');
  assert.ok(gone.images.length >= 16, 'the last sixteen are shown');
  assert.ok(gone.history.length <= 50);
  console.log(`${swaps} swaps under ${requests} requests`);
}));

test('what the old version holds is ended at the drain\'s deadline, and its image unloaded', () => HotHost.tell({ 'hot.so': 'v1' }, now('--plugin-drain', slow ? '3s' : '800ms'), async (hot) => {
  await hot.endpoint();
  await hot.answers('1.0.0');
  const held = hot.ask('p', { 'x-hold': '1' });
  let ended = false;
  held.then(() => (ended = true));
  await new Promise((go) => setTimeout(go, 200));
  hot.move('v2');
  await hot.serves('1.1.0');
  await hot.answers('1.1.0');
  await hot.ends('draining', '1.0.0');
  assert.equal(ended, false);
  const answer = await held;
  assert.ok([200, 503].includes(answer.status), `${answer.status}`);
  await hot.ends('unloaded', '1.0.0');
}));

test('open WebSockets hold the old version until they are closed with 1012; others stay open', () => HotHost.tell({ 'hot.so': 'v1' }, now('--plugin-drain', '3s'), async (hot, host) => {
  const api = await host.create('/admin/api-definitions', { slug: 'w' });
  const events = [{ name: 'welcome', payload: 'plain', trigger: 'connection' }];
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/hot', plugins: { [id]: {} } });
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/plain', events });
  const old = await Promise.all(Array.from({ length: 20 }, () => client(hot, '/ws/hot')));
  const plain = await Promise.all(Array.from({ length: 5 }, () => client(hot, '/ws/plain')));
  assert.ok(old.every((one) => one.version === '1.0.0'), JSON.stringify(old.map((one) => one.version)));
  hot.move('v2');
  await hot.serves('1.1.0');
  await old[0].asks();
  await hot.until((p) => p.images.some((image) => image.state === 'draining' && /\b20 channels\b/.test(image.detail)), 'twenty channels that hold');
  const fresh = await client(hot, '/ws/hot');
  assert.equal(fresh.version, '1.1.0');
  const codes = await Promise.all(old.map((one) => one.closed));
  assert.deepEqual([...new Set(codes)], [1012]);
  await hot.ends('unloaded', '1.0.0');
  await fresh.asks();
  for (const one of [fresh, ...plain]) {
    assert.equal(one.socket.readyState, WebSocket.OPEN);
    one.socket.close();
  }
}));
