// Whether many endpoints make each request dearer.
import { expect } from '../answer.mjs';
import { compare } from '../compare.mjs';
import { endpoints, manyEndpoints, smallBody, startMimus } from '../mimus.mjs';
import { bar, rateBar } from '../report.mjs';

export const about = '100,000 endpoints, and 1,000 under one literal prefix, beside 10';

const things = { path: '/things/@/parts/5' };

function judge(name, ratio) {
  rateBar(`${name}: requests/s / 10 endpoints`, ratio, 0.95);
  bar(`${name}: CPU per request / 10 endpoints`, ratio.cost, 1.053);
}

export async function run(bench) {
  const few = await startMimus(bench.scratch, { name: '10 endpoints', definitions: endpoints(10) });
  const many = await startMimus(bench.scratch, { name: '100,000 endpoints', data: await manyEndpoints(bench) });
  const leaves = Array.from({ length: 1000 }, (_, i) => ({ method: 'GET', path: `/prefix/:id/leaf${i}`, responses: [{ json: { id: 1, name: 'Ada' } }] }));
  const prefix = await startMimus(bench.scratch, { name: '1,000 with a prefix', definitions: leaves });
  for (const [server, path] of [[few, '/users/1'], [few, '/things/8/parts/5'], [many, '/users/1'], [many, '/things/99998/parts/5'], [prefix, '/prefix/7/leaf999']]) {
    await expect(server, { path: server.base + path }, { status: 200, body: smallBody });
  }
  await expect(many, { path: `${many.base}/things/99999/parts/5` }, { status: 404 });

  judge('100,000 endpoints, one asked', await compare(bench, '100,000 endpoints, one of them asked', [few, many].map((server) => [server, { path: '/users/1' }])));
  judge('100,000 endpoints, 10,000 asked', await compare(bench, '100,000 endpoints, 10,000 of them asked in turn',
    [[few, { ...things, paths: 9 }], [many, { ...things, paths: 99_999 }]]));
  judge('1,000 under a prefix', await compare(bench, '1,000 endpoints under one literal prefix with parameters, all asked in turn',
    [[few, { ...things, paths: 9 }], [prefix, { path: '/prefix/7/leaf@', paths: 1000 }]]));
}
