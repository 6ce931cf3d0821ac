// How requests reach the server: many in one segment, each over a connection of its own, over TLS.
import { expect } from '../answer.mjs';
import { compare } from '../compare.mjs';
import { endpoints, has, smallBody, startMimus } from '../mimus.mjs';
import { startNginx } from '../nginx.mjs';
import { bar, unjudged } from '../report.mjs';
import { certificate, negotiated } from '../tls.mjs';

export const about = 'pipelined x16; a new connection for each request; TLS keep-alive';

async function beside(bench, title, load, want, options = {}) {
  const servers = [await startNginx(bench.scratch, options), await startMimus(bench.scratch, { definitions: endpoints(10), ...options })];
  for (const server of servers) await expect(server, { path: server.base + load.path, headers: load.headers }, { status: 200, body: smallBody, ...want });
  const note = options.tls ? `: ${[...new Set(await Promise.all(servers.map(negotiated)))].join(' and ')}` : '';
  const ratio = await compare(bench, title + note, servers.map((server) => [server, load]));
  await Promise.all(servers.map((server) => server.stop()));
  return ratio;
}

export async function run(bench) {
  const path = '/users/1';
  const pipelined = await beside(bench, 'Pipelined x16', { path, depth: 16 }, {});
  bar('pipelined x16: CPU per request / nginx', pipelined.cost, 1.0);
  const closing = await beside(bench, 'A new connection for each request', { path, headers: { Connection: 'close' } }, { closed: true });
  bar('a new connection each: CPU per request / nginx', closing.cost, 1.1);
  if (!has('--tls-cert')) return unjudged('TLS keep-alive: CPU per request / nginx', '<= 1.1', 'not available');
  const secured = await beside(bench, 'TLS keep-alive', { path }, {}, { tls: certificate(bench.scratch) });
  bar('TLS keep-alive: CPU per request / nginx', secured.cost, 1.1);
}
