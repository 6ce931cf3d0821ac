// WebSocket endpoints that nobody can be let in to for now: their plugin is disabled, or the host is stopping.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Host } from './host.mjs';
import { assertProblem } from './check.mjs';
import { client, endpoint, refusal } from './socketio_client.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

/** How a raw handshake ends: its status and problem, or what broke it. */
function handshake(host, path, begun = () => {}) {
  return new Promise((resolve) => {
    const socket = new WebSocket(host.url.replace('http', 'ws') + path);
    socket.on('open', () => { socket.terminate(); resolve({ status: 101 }); });
    socket.on('error', (error) => resolve({ error: error.message }));
    socket.on('unexpected-response', (request, response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, code: JSON.parse(text).type.replace('urn:mimus:error:', '') }));
    });
    socket._req.once('socket', (wire) => wire.once('connect', begun));
  });
}

test('no client is let in, and none is given a new definition, while no plugin serves the endpoint', async () => {
  const host = await Host.start();
  const mock = await endpoint(host, '/ws/mock', { events: [{ trigger: 'connection', name: 'welcome' }] });
  const open = await client(host, '/ws/mock');
  assert.equal((await open.next())[0], 'connected');
  assert.equal((await host.admin('POST', '/admin/plugins/mimus.channels/disable')).status, 200);
  assert.deepEqual(await handshake(host, '/ws/mock'), { status: 501, code: 'no-content' });
  assert.equal((await refusal(host, '/ws/mock')).data.code, 'no-content');
  assertProblem(await host.admin('POST', `/admin/websocket-endpoints/${mock.id}/apply`), 503, 'unavailable');
  const records = await host.requests(`?kind=channel&endpointId=${mock.id}`);
  assert.deepEqual(records.slice(0, 2).map((one) => [one.status, one.error]), [[501, 'no-content'], [501, 'no-content']]);
  assert.equal((await host.admin('POST', '/admin/plugins/mimus.channels/enable')).status, 200);
  assert.deepEqual(await handshake(host, '/ws/mock'), { status: 101 });
  const again = await client(host, '/ws/mock');
  assert.equal((await again.next())[0], 'connected');
  await again.leave();
  await open.leave();
  assert.equal(await host.stop(), 0);
});

test('a stop waits for no handshake that is put off', async () => {
  const host = await Host.start({ workers: 1 });
  await endpoint(host, '/ws/late', { faults: { handshakeDelayMs: 600_000 } });
  let begun;
  const waiting = new Promise((resolve) => (begun = resolve));
  const raw = handshake(host, '/ws/late', begun);
  await waiting;
  await host.admin('GET', '/admin/definitions');
  assert.equal(await host.stop(), 0);
  assert.deepEqual(await raw, { status: 503, code: 'unavailable' });
});
