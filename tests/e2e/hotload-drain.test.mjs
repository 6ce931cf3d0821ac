// What an old version holds when it is replaced: held requests and open WebSockets.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { eventually } from './host.mjs';
import { HotHost, cleanUp, id, versions } from './hotload.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');
const now = (...more) => ({ args: ['--plugin-probation', '0', ...more] });
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
  return { socket, closed, version: await greeting, asks: async () => { const before = said; socket.send('x'); await eventually(() => said > before, 'an answer'); } };
}

test('what the old version holds is ended at the drain\'s deadline, and its image unloaded', () => HotHost.tell({ 'hot.so': 'v1' }, now('--plugin-drain', '4s'), async (hot) => {
  await hot.endpoint();
  await hot.answers('1.0.0');
  const requests = async () => Number(/^mimus_requests_total (\d+)$/m.exec((await hot.host.admin('GET', '/metrics')).text)[1]);
  let before = await requests();
  const held = hot.ask('p', { 'x-hold': '1' });
  await eventually(async () => await requests() === ++before + 1, 'the request, beside who counts it');
  hot.move('v2');
  await hot.serves('1.1.0');
  await hot.answers('1.1.0');
  const answer = await held;
  assert.ok([200, 503].includes(answer.status), `${answer.status}`);
  const { history } = await hot.ends('unloaded', '1.0.0');
  const { tookMicros } = history.find(({ event }) => event === 'unloaded');
  assert.ok(tookMicros >= 4_000_000, `${tookMicros} µs`);
}));

test('open WebSockets hold the old version until they are closed with 1012; others stay open', () => HotHost.tell({ 'hot.so': 'v1' }, now('--plugin-drain', '8s'), async (hot, host) => {
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
