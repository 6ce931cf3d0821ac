// The host that is measured, and the definitions that it is measured with.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstAnswer } from './answer.mjs';
import { family, launch, stop } from './processes.mjs';

export const binary = process.env.MIMUS_BINARY;
export const smallBody = '{"id":1,"name":"Ada"}';

export const has = (flag) => execFileSync(binary, ['serve', '--help']).toString().includes(`${flag} `);

const user = { method: 'GET', path: '/users/:id', responses: [{ json: { id: 1, name: 'Ada' } }] };

/** A document of `count` endpoints: the one that is asked for, and others beside it. */
export function endpoints(count, first = user) {
  const others = Array.from({ length: count - 1 }, (_, i) => ({ ...user, path: `/things/${i}/parts/:part` }));
  return [first, ...others];
}

/** Files of the endpoints under the API "bench", each small enough to be loaded. */
function definitionFiles(scratch, list, channels) {
  const directory = mkdtempSync(join(scratch, 'definitions-'));
  const files = [];
  const add = (content) => {
    const file = join(directory, `${files.length}.json`);
    writeFileSync(file, JSON.stringify({ version: 1, apis: [{ slug: 'bench', cors: false, ...content }] }));
    files.push('--definitions', file);
  };
  for (let from = 0; from < list.length; from += 20_000) {
    add({ endpoints: list.slice(from, from + 20_000) });
  }
  if (channels.length > 0) add({ websocketEndpoints: channels });
  return files;
}

/**
 * A host with one worker that believes local clients' X-Forwarded-For, ready. `data` keeps a
 * directory over several starts; `definitions` are endpoints, `channels` WebSocket endpoints; `under` is a program that runs
 * it, with arguments.
 */
export async function startMimus(scratch, { name = 'mimus', data, definitions = [], channels = [], workers = 1, args = [], config = {}, cores, tls, under = [] } = {}) {
  const directory = data ?? mkdtempSync(join(scratch, 'data-'));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(mkdtempSync(join(scratch, 'config-')), 'mimus.json');
  writeFileSync(file, JSON.stringify({ trustedProxies: ['127.0.0.0/8'], ...config }));
  const [program, ...rest] = [...under, binary, 'serve', '--config', file, '--listen', '127.0.0.1:0', '--data', directory,
    '--workers', String(workers), ...definitionFiles(scratch, definitions, channels),
    ...(tls ? ['--tls-cert', tls.cert, '--tls-key', tls.key] : []), ...args];
  const began = performance.now();
  const child = launch(program, rest, { cores, env: { MIMUS_ADMIN_TOKEN: 'bench' } });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; if (text.includes('\n')) resolve(text); });
    child.ended.then((code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
  });
  const ready = performance.now() - began;
  const origin = /https?:\/\/[^ ,;]+/.exec(line)[0];
  const server = { name, origin, port: Number(new URL(origin).port), tls: Boolean(tls), base: '/mock/bench', child, ready, stop: () => stop(child) };
  await firstAnswer(server, '/healthz', child);
  server.first = performance.now() - began;
  server.pids = family(child.pid);
  return server;
}

/** A data directory that holds 100,000 endpoints; the same one for every scenario of a run. */
export async function manyEndpoints(bench) {
  if (bench.many === undefined) {
    bench.many = mkdtempSync(join(bench.scratch, 'many-'));
    const loading = await startMimus(bench.scratch, { data: bench.many, definitions: endpoints(100_000) });
    await loading.stop();
  }
  return bench.many;
}
