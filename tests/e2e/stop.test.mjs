// A graceful stop: what is in flight finishes, nothing new comes in, and the exit is clean.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Host, freePort, scratch } from './host.mjs';
import { eventually } from './check.mjs';

const { WebSocket } = createRequire(`${process.env.NODE_PATH}/`)('ws');

/** Whether a connection is refused. */
function refused(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(false); });
    socket.on('error', (error) => resolve(error.code === 'ECONNREFUSED'));
  });
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`on ${signal} a delayed answer is finished, new connections are refused, and the exit is 0`, async () => {
    const directory = scratch();
    const host = await Host.start({ data: directory.path });
    await host.api('slow', [{ method: 'GET', path: '/slow', responses: [{ body: 'done', delayMs: 3000 }] }]);
    let raw;
    await host.inHand(() => { raw = host.raw('GET /mock/slow/slow HTTP/1.1\r\nHost: x\r\n\r\n'); });
    const since = Date.now();
    host.child.kill(signal);
    await eventually(() => refused(host.port), 'new connections are refused', 2900);
    const text = await raw;
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.ok(text.endsWith('\r\n\r\ndone'), text);
    assert.match(text, /\r\nconnection: close\r\n/i, 'the client is told that this was the last');
    const [code, by] = await host.exited;
    assert.equal(by, null);
    assert.equal(code, 0);
    assert.ok(Date.now() - since < 10_000, 'it did not wait for the ceiling');
    assert.doesNotMatch(host.errors, /Z error /);

    const next = await Host.start({ data: directory.path });
    const [record] = await next.requests();
    assert.equal(record.path, '/mock/slow/slow', 'the last answer is in the journal');
    assert.equal(await next.stop(), 0);
    directory.remove();
  });
}

test('an idle keep-alive connection is closed at once and does not hold the stop up', async () => {
  const host = await Host.start();
  const socket = connect(host.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  const silent = connect(host.port, '127.0.0.1');
  await once(silent, 'connect');
  const closed = Promise.all([once(socket, 'close'), once(silent, 'close')]);
  socket.resume();
  silent.resume();
  const since = Date.now();
  assert.equal(await host.stop(), 0);
  await closed;
  assert.ok(Date.now() - since < 10_000, `${Date.now() - since} ms`);
});

test('readyz is 503 while draining, on a connection that is there already, and healthz stays 200', async () => {
  const host = await Host.start();
  await host.api('slow', [{ method: 'GET', path: '/slow', responses: [{ body: 'done', delayMs: 3000 }] }]);
  assert.equal((await fetch(`${host.url}/readyz`)).status, 200);
  let answer;
  await host.inHand(() => { answer = host.raw('GET /mock/slow/slow HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'); });
  host.child.kill('SIGTERM');
  const text = await answer;
  assert.match(text, /done/);
  const second = text.slice(text.indexOf('done') + 4);
  if (second !== '') assert.match(second, /^HTTP\/1\.1 503 /, 'if it is still answered, then so');
  assert.equal((await host.exited)[0], 0);
  host.own.remove();
});

test('open WebSockets are closed with 1001', async () => {
  const host = await Host.start();
  const api = await host.api('ws');
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/stop',
    events: [{ name: 'tick', payload: 1, trigger: 'interval', interval: 50 }] });
  const sockets = await Promise.all(Array.from({ length: 5 }, async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}/ws/stop`);
    await once(socket, 'message');
    return socket;
  }));
  const closes = sockets.map((socket) => once(socket, 'close'));
  const stopped = host.stop();
  for (const close of closes) assert.equal((await close)[0], 1001);
  assert.equal(await stopped, 0);
});

test('a WebSocket peer that never answers the close does not hold the stop beyond its ceiling', async () => {
  const host = await Host.start();
  const api = await host.api('ws');
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/deaf', events: [] });
  const socket = connect(host.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET /ws/deaf HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const [first] = await once(socket, 'data');
  assert.match(first.toString(), /^HTTP\/1\.1 101 /);
  const since = Date.now();
  assert.equal(await host.stop(), 0);
  assert.ok(Date.now() - since < 30_000, `${Date.now() - since} ms`);
  socket.destroy();
});

test('when the parent is killed the server dies with it and the port is free', async () => {
  const directory = scratch();
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const host = await Host.start({ data: directory.path, listen });
  await host.kill();
  await eventually(() => refused(port), 'the server is gone');
  const next = await Host.start({ data: directory.path, listen });
  assert.equal(next.port, port);
  assert.equal(await next.stop(), 0);
  directory.remove();
});

test('a second SIGTERM does no harm', async () => {
  const host = await Host.start();
  host.child.kill('SIGTERM');
  host.child.kill('SIGTERM');
  const [code] = await host.exited;
  assert.equal(code, 0);
  host.own.remove();
});
