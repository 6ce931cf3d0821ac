// What a thousand clients leave behind that came and went: no timer, no session, no byte.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Host, eventually, scratch } from './host.mjs';
import { preload, emptyTable, heldBytes } from './allocations.mjs';

const load = createRequire(`${process.env.NODE_PATH}/`);
const WebSocket = load('ws');
const { io } = load('socket.io-client');

const events = [
  { name: 'welcome', payload: { for: '{{clientId}}' }, trigger: 'connection' },
  { name: 'tick', payload: '{{count}}', trigger: 'interval', interval: 50 },
  { name: 'later', payload: 1, trigger: 'connection', delayMs: 600000 },
  { trigger: 'close-after', delayMs: 600000, code: 1000 },
  { trigger: 'schedule', steps: [{ afterMs: 1, join: 'room' }, { afterMs: 600000, name: 'never', payload: 1 }] },
  { trigger: 'message', echo: true },
];

/** A raw client that hears something, says something, and leaves: by a close, or by vanishing. */
function comeAndGo(url, vanish) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: true });
    socket.on('error', reject);
    socket.on('message', () => {
      if (vanish) return socket.terminate();
      socket.send('x'.repeat(2000));
      return socket.close();
    });
    socket.on('close', resolve);
  });
}

/** The same with Socket.IO; `transports` as its client has them. */
function comeAndGoWithSocketIo(url, transports) {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports, forceNew: true, reconnection: false });
    socket.on('connect_error', reject);
    socket.once('welcome', () => { socket.emit('hello', Buffer.alloc(100)); socket.disconnect(); resolve(); });
  });
}

/** GET on a connection of its own, which has gone afterwards. */
function ask(url, headers) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, headers: { ...headers, connection: 'close' } }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('close', () => resolve(text));
    }).on('error', reject);
  });
}

async function inLots(all, lot, one) {
  for (let i = 0; i < all; i += lot) await Promise.all(Array.from({ length: lot }, (_, j) => one(i + j)));
}

// A client whose requests move to its session's worker fills the spare memory of both only little by little.
for (const [kind, workers, clients, atOnce, comesAndGoes] of [
  ['WebSocket', 2, 1000, 10, (host, i) => comeAndGo(`${host.url.replace('http', 'ws')}/ws/leaks`, i % 2 === 0)],
  ['Socket.IO over WebSocket', 2, 1000, 10, (host) => comeAndGoWithSocketIo(`${host.url}/ws/leaks`, ['websocket'])],
  ['Socket.IO with polling and an upgrade', 1, 200, 2, (host) => comeAndGoWithSocketIo(`${host.url}/ws/leaks`, ['polling', 'websocket'])],
]) {
  test(`${kind}: ${clients} clients leave nothing`, async () => {
    const directory = scratch();
    const table = join(directory.path, 'allocations');
    emptyTable(table);
    const host = await Host.start({ workers, args: ['--journal', 'off'],
      env: preload ? { LD_PRELOAD: preload, MIMUS_ALLOCATIONS: table } : {} });
    const api = await host.create('/admin/api-definitions', { slug: 'leaks' });
    await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/leaks', events });
    const gauges = async () => {
      const text = await ask(`${host.url}/metrics`, { authorization: `Bearer ${host.token}` });
      const of = (name) => Number(new RegExp(`^mimus_${name} (\\d+)$`, 'm').exec(text)?.[1]);
      return { timers: of('timers_armed'), websockets: of('websockets_active'), sessions: of('engine_sessions_active'), connections: of('connections_active') };
    };
    const alone = await gauges();
    /** Once everyone is gone but who asks, with what they had. */
    const settled = async () => {
      let now;
      const gone = async () => {
        now = await gauges();
        return now.websockets === 0 && now.sessions === 0 && now.connections === 1 && now.timers <= alone.timers + 1;
      };
      await eventually(gone, 'everyone to be gone').catch((error) => assert.fail(`${error.message}: ${JSON.stringify({ now, alone })}`));
      return preload ? heldBytes(table) : 0;
    };
    const round = async () => { await inLots(clients, atOnce, (i) => comesAndGoes(host, i)); return settled(); };
    let before = await round();
    const left = [];
    for (let i = 0; i < (preload ? 3 : 1); ++i) {
      const after = await round();
      left.push(after - before);
      before = after;
    }
    // What is kept for the next client grows to what as many at once ever needed; what each client
    // leaves is left in every round.
    assert.ok(Math.min(...left) < clients * 4, `${clients} clients leave ${left.join(', ')} bytes`);
    assert.equal(await host.stop(), 0);
    directory.remove();
  });
}
