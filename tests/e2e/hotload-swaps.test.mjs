// Two hundred swaps with requests in flight.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { HotHost, cleanUp, versions } from './hotload.mjs';

const now = { args: ['--plugin-probation', '0'] };
const slow = process.env.MIMUS_SANITIZE;
before(versions);
after(cleanUp);

test('swaps with requests in flight fail none, answer none wrongly, and unload every old image', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot) => {
  await hot.endpoint();
  await hot.host.api('plain', [{ method: 'GET', path: '/e', responses: [{ body: 'hello' }] }]);
  const swaps = slow ? 30 : 200;  // fewer where they take minutes
  let done = 0;
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
    const began = Date.now();
    for (; done < swaps && (done < 30 || Date.now() - began < 60_000); ++done) {
      const i = done;
      if (i % 50 === 25) {
        hot.move(i % 100 === 25 ? 'v2' : 'v1');
        await hot.serves(i % 100 === 25 ? '1.1.0' : '1.0.0');
      }
      const reloaded = await hot.order('reload');
      assert.equal(reloaded.status, 200, reloaded.text);
    }
  } finally {
    swapping = false;
    await Promise.all(clients);
  }
  for (const what of seen.keys()) assert.match(what, /^200 hello 1\.[01]\.0$/);
  const requests = [...seen.values()].reduce((a, b) => a + b, 0);
  assert.ok(requests > done, `${requests} requests`);
  const gone = await hot.until((p) => p.images.every((image) => image.state === 'unloaded'), 'all unloaded');
  assert.ok(gone.images.length >= 16, 'the last sixteen are shown');
  assert.ok(gone.history.length <= 50);
  console.log(`${done} swaps under ${requests} requests`);
}));
