// A third party's plugin in C++, in a root without any C++ runtime but its own.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Host, scratch } from '../host.mjs';

test('it is loaded, catches what it throws, and is walled where it does not', async (t) => {
  const folder = scratch(), plugins = join(folder.path, 'plugins');
  mkdirSync(plugins);
  copyFileSync(process.env.MIMUS_GUEST, join(plugins, 'guest.so'));
  const host = await Host.start({ args: ['--plugins', plugins] });
  t.after(async () => { assert.equal(await host.stop(), 0); folder.remove(); });
  await host.api('guest', [{ method: 'GET', path: '/', responses: [{ body: 'hello' }], plugins: { 'com.example.guest': {} } }]);
  const served = await host.mock('guest', '/');
  assert.equal(served.status, 200);
  assert.equal(served.headers.get('x-guest'), 'caught from another thread 1.5');
  const walled = await host.mock('guest', '/', { headers: { 'x-do': 'throw' } });
  assert.equal(walled.status, 503);
  assert.equal((await host.mock('guest', '/')).status, 200);
});
