// Answers that a plugin has ready: a deduplicated hit with its caching headers, and a 304.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '../answer.mjs';
import { compare } from '../compare.mjs';
import { endpoints, smallBody, startMimus } from '../mimus.mjs';
import { startNginx } from '../nginx.mjs';
import { bar } from '../report.mjs';

export const about = 'cacheEnabled and deduplication (hits); conditional requests answered with 304';

const user = { method: 'GET', path: '/users/:id', cacheEnabled: true, responses: [{ json: { id: 1, name: 'Ada' } }] };

async function hits(bench) {
  const load = { path: '/users/1' };
  const nginx = await startNginx(bench.scratch);
  const mimus = await startMimus(bench.scratch, { definitions: endpoints(10, { ...user, deduplication: true }) });
  await expect(nginx, { path: load.path }, { status: 200, body: smallBody });
  const path = mimus.base + load.path;
  await expect(mimus, { path }, { status: 200, body: smallBody, headers: { 'cache-control': 'public, max-age=3600', etag: true } });
  await expect(mimus, { path }, { status: 200, body: smallBody, headers: { 'x-mock-deduplicated': 'true', etag: true } });
  const ratio = await compare(bench, 'cacheEnabled and deduplication, hits', [[nginx, load], [mimus, load]]);
  bar('cache and dedup hits: CPU per request / nginx', ratio.cost, 1.15);
  await Promise.all([nginx.stop(), mimus.stop()]);
}

async function conditional(bench) {
  const root = mkdtempSync(join(bench.scratch, 'root-'));
  mkdirSync(join(root, 'users'));
  writeFileSync(join(root, 'users/1'), smallBody);
  const servers = [await startNginx(bench.scratch, { location: `location / { default_type application/json; root ${root}; }` }),
    await startMimus(bench.scratch, { definitions: endpoints(10, user) })];
  const subjects = [];
  for (const server of servers) {
    const path = `${server.base}/users/1`;
    const { headers: { etag } } = await expect(server, { path }, { status: 200, body: smallBody, headers: { etag: true } });
    const headers = { 'If-None-Match': etag };
    await expect(server, { path, headers }, { status: 304, body: '', headers: { etag } });
    subjects.push([server, { path: '/users/1', headers }]);
  }
  const ratio = await compare(bench, 'Conditional, 304 (nginx: a file)', subjects);
  bar('conditional 304: CPU per request / nginx', ratio.cost, 1.0);
}

export async function run(bench) {
  await hits(bench);
  await conditional(bench);
}
