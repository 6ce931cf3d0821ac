// Debian's python3-socketio and python3-websockets as clients.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, eventually, scratch } from './host.mjs';
import { connections, endpoint } from './socketio_client.mjs';

// Now and then python3-engineio 4.3 ends its writing before its goodbye is written: what it leaves is gone
// when it has answered no ping.
const place = scratch();
let host;
before(async () => {
  writeFileSync(join(place.path, 'config.json'), JSON.stringify({ pingInterval: 1500, pingTimeout: 6000 }));
  host = await Host.start({ args: ['--config', join(place.path, 'config.json')] });
});
after(async () => { assert.equal(await host.stop(), 0); place.remove(); });

/** What python_clients.py prints. Debian's own interpreter has the packages. */
const seen = () => new Promise((resolve, reject) => {
  const script = fileURLToPath(new URL('python_clients.py', import.meta.url));
  execFile('/usr/bin/python3', [script, host.url], { timeout: 600_000 }, (error, out, err) => (error ? reject(new Error(`${error.message}\n${err}`)) : resolve(JSON.parse(out))));
});

test('Python clients talk by every transport, are refused in words, and leave nothing', async () => {
  const talk = [
    { trigger: 'message', name: 'message-back', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'message' } },
    { trigger: 'ack', payload: '{{message.data}}', spread: true }];
  const all = [
    await endpoint(host, '/ws/python', { requireToken: 't', events: [{ trigger: 'connection', name: 'question', payload: [1, 'x'], spread: true, ack: true }, ...talk] }),
    await endpoint(host, '/ws/other', { events: talk }),
    await endpoint(host, '/ws/raw', { requireToken: 't', events: [{ trigger: 'connection', name: 'welcome', payload: 1 }, { trigger: 'message', echo: true }] })];
  const result = await seen();
  for (const transports of ['polling, websocket', 'websocket', 'polling']) {
    assert.deepEqual(result[transports], {
      order: [['/ws/other', 'connected'], ['/ws/python', 'connected'], ['/ws/python', 'question']],
      same: true,
      question: [[1, 'x']],
      back: ['/ws/python', 'message-back', 'ü', [1, null], [0, 255]],
      acknowledged: [{ b: 2.5 }, [1]],
    }, transports);
  }
  assert.deepEqual(result.nowhere, { message: 'Invalid namespace' });
  assert.equal(result['no token'].data.code, 'unauthorized');
  assert.deepEqual(result.raw, { welcome: { event: 'welcome', data: 1 }, echo: true, extensions: ['permessage-deflate'], code: 1000, 'without token': 401 });
  for (const one of all) await eventually(async () => (await connections(host, one)).length === 0, 'an empty list');
});
