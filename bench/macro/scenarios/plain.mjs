// What most requests are: a small mock, journalled, with the country of the client's address.
import { expect } from '../answer.mjs';
import { compare } from '../compare.mjs';
import { endpoints, smallBody, startMimus } from '../mimus.mjs';
import { startNginx } from '../nginx.mjs';
import { startMockoon, startWireMock } from '../others.mjs';
import { bar, rateBar } from '../report.mjs';

export const about = 'a plain mock, lossless journal, 10,000 client addresses, beside nginx, WireMock and Mockoon';

export async function run(bench) {
  const load = { path: '/users/1' };
  const subjects = [];
  for (const start of [startWireMock, startMockoon, startNginx]) subjects.push([await start(bench.scratch), load]);
  subjects.push([await startMimus(bench.scratch, { definitions: endpoints(10) }), load]);
  for (const [server] of subjects) await expect(server, { path: server.base + load.path }, { status: 200, body: smallBody });
  const ratio = await compare(bench, 'Plain mock', subjects);
  bar('plain: CPU per request / nginx', ratio.cost, 1.0);
  rateBar('plain: requests/s / nginx', ratio, 1.0);
}
