// WireMock and Mockoon with the same mock: reference rows. Both come from npm.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstAnswer } from './answer.mjs';
import { family, freePort, launch, stop } from './processes.mjs';
import { smallBody } from './mimus.mjs';

const packages = process.env.MIMUS_BENCH_NPM;
const versionOf = (name) => {
  try {
    return JSON.parse(readFileSync(join(packages, 'node_modules', name, 'package.json'))).version;
  } catch {
    return '(not installed)';
  }
};
const json = { 'Content-Type': 'application/json' };

async function started(name, port, began, child) {
  child.stdout.resume();
  const server = { name, origin: `http://127.0.0.1:${port}`, port, base: '', child, warmUp: 5, slow: true, stop: () => stop(child) };
  await firstAnswer(server, '/users/1', child);
  server.first = performance.now() - began;
  server.pids = family(child.pid);
  return server;
}

/** With its journal off: one that keeps all requests in memory would end in garbage collection. */
export async function startWireMock(scratch) {
  const root = mkdtempSync(join(scratch, 'wiremock-'));
  mkdirSync(join(root, 'mappings'));
  writeFileSync(join(root, 'mappings', 'user.json'), JSON.stringify({
    request: { method: 'GET', urlPathPattern: '/users/[^/]+' }, response: { status: 200, body: smallBody, headers: json } }));
  const jars = join(packages, 'node_modules/wiremock/build');
  const jar = execFileSync('find', [jars, '-name', 'wiremock-standalone-*.jar']).toString().trim();
  const port = await freePort();
  const began = performance.now();
  const child = launch('java', ['-jar', jar, '--port', `${port}`, '--bind-address', '127.0.0.1', '--root-dir', root,
    '--no-request-journal', '--disable-banner', '--use-chunked-encoding', 'NEVER'], { quiet: true });
  return started('WireMock', port, began, child);
}

export async function startMockoon(scratch) {
  const port = await freePort();
  const file = join(mkdtempSync(join(scratch, 'mockoon-')), 'mock.json');
  writeFileSync(file, JSON.stringify({
    uuid: 'bench', lastMigration: 33, name: 'bench', port, hostname: '127.0.0.1', endpointPrefix: '', latency: 0, headers: [], cors: false,
    routes: [{ uuid: 'user', type: 'http', method: 'get', endpoint: 'users/:id', responses: [{ uuid: 'ok', statusCode: 200, default: true,
      body: smallBody, bodyType: 'INLINE', headers: Object.entries(json).map(([key, value]) => ({ key, value })), rules: [], rulesOperator: 'OR',
      disableTemplating: true, latency: 0 }] }],
    folders: [], rootChildren: [{ type: 'route', uuid: 'user' }], proxyMode: false }));
  const began = performance.now();
  const child = launch(join(packages, 'node_modules/.bin/mockoon-cli'), ['start', '--repair', '--disable-log-to-file', '--disable-admin-api', '--data', file],
    { quiet: true });
  return started('Mockoon', port, began, child);
}

export const versions = () => `WireMock ${versionOf('wiremock')}; Mockoon ${versionOf('@mockoon/cli')}; ws ${versionOf('ws')}; socket.io ${versionOf('socket.io')}`;
