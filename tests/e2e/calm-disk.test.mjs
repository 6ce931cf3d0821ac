// A disk that fills up under the journal: mocks are served on, what is lost is counted, and room heals it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, scratch } from './host.mjs';
import { assertGrowth, besideAHealthyClient, get, many, metrics } from './calm.mjs';
import { eventually } from './check.mjs';

/** A directory on a disk of its own of that many MiB, or undefined where nothing may be mounted. */
function smallDisk(t, size) {
  const directory = scratch();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'mimus-e2e', directory.path], { stdio: 'pipe' });
  } catch (error) {
    directory.remove();
    t.skip(`a small disk cannot be mounted here: ${error.stderr}`);
    return undefined;
  }
  t.after(() => {
    execFileSync('umount', ['-l', directory.path]);
    directory.remove();
  });
  return directory.path;
}

const free = (path) => { const { bavail, bsize } = statfsSync(path); return bavail * bsize; };

test('a full disk', async (t) => {
  const data = smallDisk(t, 40);
  if (data === undefined) return;
  let host = await Host.start({ data });
  const api = await host.api('d', [{ method: 'GET', path: '/x', responses: [{ body: 'x' }] }]);
  const endpoints = `/admin/api-definitions/${api.id}/endpoints`;
  const ballast = join(data, 'ballast');
  writeFileSync(ballast, Buffer.alloc(free(data) - (1 << 20)));
  const failures = async () => { const now = await metrics(host); return now.journal_write_errors_total; };
  const long = get(`/mock/d/x?${'q'.repeat(8000)}`);

  await besideAHealthyClient(t, host, '/mock/d/x', () => assertGrowth(t, host, 60, async () => {
    await eventually(async () => {
      await many(20, () => host.raw(long.repeat(9) + get('/mock/d/x', 'Connection: close\r\n')));
      return await failures() > 0;
    }, 'the journal meets the full disk', 60_000);
    for (let i = 0; i < 20; ++i) {
      for (const text of await many(10, () => host.raw(long.repeat(9) + get('/mock/d/x', 'Connection: close\r\n')))) {
        assert.equal(text.split('HTTP/1.1 200 ').length, 11, 'all of a pipeline are answered');
      }
    }
    // A lossless journal makes exchanges wait while the store finds out that the disk is full.
  }), { bound: 5000 });
  await eventually(async () => (await metrics(host)).journal_lost_total > 0, 'lost records are counted');
  const full = await eventually(async () => {
    // The store may have made room for a little; it takes some itself meanwhile.
    try { appendFileSync(ballast, Buffer.alloc(free(data))); } catch (error) { assert.equal(error.code, 'ENOSPC'); }
    const answer = await host.admin('POST', endpoints, { method: 'GET', path: '/never' });
    return answer.status === 201 ? undefined : answer;
  }, 'a definition finds no room');
  assert.equal(full.status, 503, full.text);
  assert.equal(full.json.type, 'urn:mimus:error:unavailable');
  assert.equal(full.headers.get('retry-after'), '1');
  t.diagnostic(`lost ${(await metrics(host)).journal_lost_total} records`);

  rmSync(ballast);
  const healed = Date.now();
  await eventually(async () => (await host.admin('POST', endpoints, { method: 'GET', path: '/healed' })).status === 201, 'definitions can be written again');
  await eventually(async () => {
    await host.mock('d', '/healed');
    const [newest] = await host.requests('?limit=1');
    return newest?.path === '/mock/d/healed';
  }, 'the journal goes on', 30_000);
  t.diagnostic(`all is well ${Date.now() - healed} ms after there was room`);
  assert.equal(await host.stop(), 0);

  host = await Host.start({ data });
  assert.equal((await host.mock('d', '/healed')).status, 200);
  assert.equal((await host.requests('?limit=1'))[0].path, '/mock/d/healed');
  assert.equal(await host.stop(), 0);
});
