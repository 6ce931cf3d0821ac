// Larger answers.
import { expect } from '../answer.mjs';
import { compare } from '../compare.mjs';
import { endpoints, startMimus } from '../mimus.mjs';
import { longLocation, startNginx } from '../nginx.mjs';
import { bar } from '../report.mjs';

export const about = 'bodies of 4 KiB and 64 KiB';

export async function run(bench) {
  for (const kib of [4, 64]) {
    const load = { path: '/users/1' };
    const body = 'x'.repeat(kib * 1024);
    const servers = [await startNginx(bench.scratch, { location: longLocation(body.length) }),
      await startMimus(bench.scratch, { definitions: endpoints(10, { method: 'GET', path: '/users/:id', responses: [{ body }] }) })];
    for (const server of servers) await expect(server, { path: server.base + load.path }, { status: 200, body });
    const ratio = await compare(bench, `Body of ${kib} KiB`, servers.map((server) => [server, load]));
    bar(`${kib} KiB body: CPU per request / nginx`, ratio.cost, 1.0);
    await Promise.all(servers.map((server) => server.stop()));
  }
}
