// A plain mock, journalled and located, is answered without one allocation on its worker.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Host, scratch } from './host.mjs';
import { preload, emptyTable, counted } from './allocations.mjs';

/** Sends the requests one after the other on one connection; resolves when all are answered. */
function ask(port, requests) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let next = 0;
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if (!text.endsWith('{"id":1}')) return;
      if (!text.startsWith('HTTP/1.1 200 ')) reject(new Error(text));
      text = '';
      if (next === requests.length) return socket.end();
      socket.write(requests[next++]);
    });
    socket.on('error', reject);
    socket.on('close', resolve);  // the host has let go of it, too
    socket.write(requests[next++]);
  });
}

test('A warmed-up worker allocates nothing for a plain mock', {
  skip: preload ? false : 'the sanitizers count allocations themselves',
}, async () => {
  const directory = scratch();
  const table = join(directory.path, 'allocations');
  emptyTable(table);
  const config = join(directory.path, 'config.json');
  writeFileSync(config, JSON.stringify({ trustedProxies: ['127.0.0.0/8'] }));
  const host = await Host.start({ workers: 1, args: ['--config', config],
    env: { LD_PRELOAD: preload, MIMUS_ALLOCATIONS: table } });
  await host.api('plain', [{ method: 'GET', path: '/users/:id', responses: [{ json: { id: 1 } }] }]);
  const requests = Array.from({ length: 2000 }, (_, i) =>
    `GET /mock/plain/users/${i} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: counter/1.0\r\nAccept: */*\r\n` +
    `X-Forwarded-For: 8.8.${i % 10}.${i % 200}\r\n\r\n`);
  await ask(host.port, requests);

  const before = counted(table, /^worker-/);
  await ask(host.port, requests.slice(1));
  const after = counted(table, /^worker-/);
  // What accepting the one connection takes is not a request's.
  await ask(host.port, requests.slice(0, 1));
  const connecting = counted(table, /^worker-/) - after;
  assert.ok(connecting > 0, 'the counter counts');
  assert.ok(after - before <= connecting, `${after - before} allocations for 1999 requests and one connection, ${connecting} for a connection`);
  assert.equal(await host.stop(), 0);
  directory.remove();
});
