// The Autobahn test suite's fuzzing client against an endpoint that echoes: families 1 to 7, 9, 10,
// 12 and 13, all of their cases. The suite itself wants Python 2, which Debian no longer has. Its
// 1,000 messages a case are fewer here (families 9.7, 9.8, 12, 13), so that the story takes seconds.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { Host, scratch } from './host.mjs';
import { Authority, flagsOf, startSecure } from './secure.mjs';
import { Client, verdict } from './websocket_client.mjs';
import { family9, framing } from './websocket_cases.mjs';
import { compression } from './websocket_compression.mjs';

const slow = Boolean(process.env.MIMUS_SANITIZE);
const fine = new Set(['OK', 'INFORMATIONAL']);
const patience = 20_000;  // ms; Autobahn's is 0.5 to 1 s
const ends = [];  // how long the server took to end what it failed

let directory, plain, secure, ca;
before(async () => {
  directory = scratch();
  const file = join(directory.path, 'mimus.json');
  writeFileSync(file, JSON.stringify({ maxMessageBytes: 32 << 20, maxWriteBuffer: 64 << 20 }));
  const authority = new Authority(directory.path);
  ca = authority.text;
  plain = await Host.start({ args: ['--config', file] });
  secure = await startSecure({ args: ['--config', file, ...flagsOf(authority.make('one', ['127.0.0.1']))] });
  for (const host of [plain, secure]) {
    const api = await host.create('/admin/api-definitions', { slug: 'autobahn' });
    await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/echo', events: [{ trigger: 'message', echo: true }] });
  }
});
after(async () => {
  for (const host of [plain, secure]) assert.equal(await host.stop(), 0);
  directory.remove();
});

/** Runs one case on a connection of its own; its verdict. */
async function judge(host, one) {
  const client = await Client.open(host.port, '/ws/echo', one.headers, host === secure ? ca : undefined);
  const started = performance.now();
  await one.run(client);
  if (one.close.byMe && !one.closes) {
    await client.until(() => client.received.length >= one.expected.OK.length, patience);
    await client.close(1000);
  }
  if (!await Promise.race([client.ended.then(() => true), new Promise((go) => setTimeout(go, patience).unref())])) client.drop();
  if (!one.close.byMe) ends.push(performance.now() - started);
  const found = verdict(client, one);
  return one.informational && (found === 'OK' || found.startsWith('WRONG CODE')) ? 'INFORMATIONAL' : found;
}

/** Runs cases, some at a time; those that are neither OK nor INFORMATIONAL. */
async function bad(host, cases, atOnce) {
  const out = {};
  const left = [...cases];
  const lane = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const found = await judge(host, one).catch((error) => `FAILED: ${error.message}`);
      if (!fine.has(found)) out[one.id] = found;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return out;
}

const sizes = { 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126 };
for (const [family, cases] of Object.entries({ ...framing, 9: family9({ rounds: slow ? 20 : 100 }), ...compression({ rounds: slow ? 2 : 5 }) })) {
  test(`family ${family}`, async () => {
    assert.equal(cases.length, sizes[family]);
    assert.deepEqual(await bad(plain, cases, family === '9' ? 2 : 8), {});
  });
}

test('the framing over TLS', async () => {
  assert.deepEqual(await bad(secure, Object.values(framing).flat(), 8), {});
});

test('what the server fails it ends itself, long before the time for a client\'s close is over', { skip: slow && 'sanitizers take their time' }, () => {
  ends.sort((a, b) => a - b);
  assert.ok(ends.length > 100, `${ends.length} cases`);
  assert.ok(ends[Math.floor(ends.length * 0.9)] < 2500, `nine in ten took up to ${ends[Math.floor(ends.length * 0.9)]} ms`);
});
