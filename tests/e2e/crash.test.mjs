// Whatever ends the server, it serves again with the same sockets, and without the plugin at fault.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { Agent, request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverPid } from './calm.mjs';
import { eventually, mimus } from './check.mjs';
import { Host, scratch } from './host.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const include = join(here, '../../sdk/include');
const sanitized = Boolean(process.env.MIMUS_SANITIZE);  // whose own handlers say less, and later
const built = scratch();
const path = (name) => join(built.path, name);
const abi = (what) => /\d+/.exec(new RegExp(`define MIMUS_ABI_${what} (\\d+)`).exec(readFileSync(join(include, 'mimus/plugin.h'), 'utf8'))[1])[0];

/** One image of plugins/crash.c: its id, and a hash of its own. */
function image(id, ...definitions) {
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-pedantic', '-O1', '-fPIC', '-fvisibility=hidden', '-shared', `-I${include}`,
    `-DCRASH_ABI_MAJOR=${abi('MAJOR')}`, `-DCRASH_ABI_MINOR=${abi('MINOR')}`, `-DCRASH_ID="com.example.${id}"`, ...definitions,
    join(here, 'plugins/crash.c'), '-o', path(`${id}.so`)]);
}
function directory(name, ids) {
  mkdirSync(path(name));
  for (const id of ids) copyFileSync(path(`${id}.so`), join(path(name), `${id}.so`));
  return path(name);
}
const endpoint = (name, id, config = {}) => ({ name, method: 'POST', path: `/${name}`, responses: [{ body: name }], ...(id ? { plugins: { [`com.example.${id}`]: config } } : {}) });
const quarantine = (host) => JSON.parse(readFileSync(join(host.data, 'plugins/quarantine.json'), 'utf8'));
const metric = async (host, name) => Number(new RegExp(`^mimus_${name} (\\d+)`, 'm').exec((await host.admin('GET', '/metrics')).text)[1]);

/** A request on a connection of its own; undefined if it is cut off, which is what crashes do. */
function ask(host, name, what) {
  return new Promise((resolve) => {
    const sent = request(`${host.url}/mock/c/${name}`, { method: 'POST', headers: what ? { 'x-do': what } : {}, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      answer.on('error', () => resolve(undefined));
    });
    sent.on('error', (error) => { assert.notEqual(error.code, 'ECONNREFUSED'); resolve(undefined); });
    sent.end('a body');
  });
}

/** Until the log says so often that it serves again. */
const again = (host, times) => eventually(() => (host.errors.match(/serving again after/g) ?? []).length >= times, `restart ${times} of ${host.errors}`, 60_000);

const hooks = ['on_request', 'on_request_body', 'on_resume', 'on_response', 'on_response_body', 'on_end'];
const cases = [
  ...hooks.map((hook) => ({ id: hook.replaceAll('_', '-'), what: `${hook} segv`, reason: `SIGSEGV in ${hook}` })),
  { id: 'abort', what: 'on_request abort', reason: 'SIGABRT in on_request' },
  { id: 'overflow', what: 'on_response overflow', reason: 'SIGSEGV in on_response' },
  { id: 'exit', what: 'on_request exit', reason: 'exit 3 in on_request' },
  { id: 'timer', what: 'timer segv', reason: 'SIGSEGV in a timer' },
  { id: 'task', what: 'task segv', reason: 'SIGSEGV in a task' },
  { id: 'enrich', what: 'enrich segv', reason: 'SIGSEGV in enrich' },
  { id: 'bind', config: { bind: 'segv' }, reason: 'SIGSEGV in bind' },
  { id: 'admin', admin: 'segv', reason: 'SIGSEGV in an admin route' },
  { id: 'loop', what: 'on_request loop', reason: 'hang in on_request' },
];

// ThreadSanitizer's handler needs the stack that has overflowed.
if (process.env.MIMUS_SANITIZE === 'thread') cases.splice(cases.findIndex(({ id }) => id === 'overflow'), 1);

before(() => {
  for (const { id } of cases) image(id);
  image('closed', '-DCRASH_FAIL="closed"');
  image('activate', '-DCRASH_IN_ACTIVATE="segv"');
});
after(() => built.remove());

test('a crash in each hook is blamed on its plugin, whose image stays out, over a restart too', async (t) => {
  const data = scratch();
  const plugins = directory('each', cases.map(({ id }) => id));
  const args = ['--plugins', plugins, '--plugin-hang', sanitized ? '5s' : '1s'];
  let host = await Host.start({ data: data.path, args });
  const api = await host.api('c', cases.filter(({ config }) => !config).map(({ id }) => endpoint(id, id)));
  let times = 0;
  for (const one of cases) {
    if (one.config) await host.create(`/admin/api-definitions/${api.id}/endpoints`, endpoint(one.id, one.id, one.config));
    else assert.equal((await ask(host, one.id)).headers['x-crash'], '1.0.0', one.id);
    if (one.admin) await host.admin('GET', `/admin/plugins/com.example.${one.id}/x/${one.admin}`).catch(() => {});
    else await ask(host, one.id, one.what);
    await again(host, ++times);
    const charge = quarantine(host).find(({ id }) => id === `com.example.${one.id}`);
    assert.ok(charge?.quarantined, `${one.id}: ${JSON.stringify(quarantine(host))}`);
    assert.equal(charge.version, '1.0.0');
    assert.match(charge.sha256, /^[0-9a-f]{64}$/);
    if (!sanitized) assert.equal(charge.reason, one.reason, one.id);
    const served = await ask(host, one.id);
    assert.equal(served.status, 200, `${one.id}: ${served.text}`);
    assert.equal(served.headers['x-crash'], undefined, `${one.id} is left out`);
  }
  assert.equal(await metric(host, 'restarts_total'), cases.length);
  const took = [...host.errors.matchAll(/serving again after (\d+) ms/g)].map((match) => Number(match[1]));
  t.diagnostic(`${cases.length} crashes; serving again after ${took.join(', ')} ms`);
  assert.equal(await host.stop(), 0);

  host = await Host.start({ data: data.path, args });
  for (const { id } of cases) assert.equal((await host.admin('GET', `/admin/plugins/com.example.${id}`)).json.state, 'quarantined', id);
  assert.equal((await ask(host, 'abort', 'on_request abort')).status, 200);
  assert.match(host.errors, /com\.example\.abort is not loaded: image [0-9a-f]+ of plugin com\.example\.abort is quarantined: /);
  assert.equal(await host.stop(), 0);
  data.remove();
});

test('a plugin that fails closed answers 503 once its image is in quarantine; one that crashes at the start is left out of it', async () => {
  const host = await Host.start({ args: ['--plugins', directory('start', ['closed', 'activate'])] });
  assert.match(host.readyLine, /^mimus ready on /);
  assert.equal(quarantine(host)[0].id, 'com.example.activate');
  if (!sanitized) assert.equal(quarantine(host)[0].reason, 'SIGSEGV in activate');
  await host.api('c', [endpoint('e', 'closed')]);
  assert.equal((await ask(host, 'e')).status, 200);
  await ask(host, 'e', 'on_end segv');
  await again(host, 2);
  assert.equal((await ask(host, 'e')).status, 503);
  assert.equal(await host.stop(), 0);
});

/** Keep-alive connections that each have one request under way, until stopped. */
function load(host, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const out = { served: 0, lost: 0, refused: 0, lastBefore: 0, firstAfter: 0, going: true };
  const one = () => new Promise((resolve) => {
    const sent = request(`${host.url}/mock/c/plain`, { method: 'POST', agent }, (answer) => {
      answer.on('data', () => {});
      answer.on('end', () => {
        if (answer.statusCode === 200) ++out.served; else ++out.lost;
        if (out.lost > 0 && out.firstAfter === 0) out.firstAfter = Date.now();
        resolve();
      });
      answer.on('error', () => { ++out.lost; resolve(); });
    });
    sent.on('error', (error) => {
      if (error.code === 'ECONNREFUSED') ++out.refused; else ++out.lost;
      out.lastBefore ||= Date.now();
      resolve();
    });
    sent.end();
  });
  const running = Array.from({ length: connections }, async () => { while (out.going) await one(); });
  out.stop = async () => { out.going = false; await Promise.all(running); agent.destroy(); };
  return out;
}

test('under load a crash costs the requests in flight, and no connection is refused', async (t) => {
  const connections = 16;
  const before = performance.now();
  const host = await Host.start({ args: ['--plugins', directory('load', ['on-request'])] });
  const start = performance.now() - before;
  await host.api('c', [endpoint('plain', 'on-request'), endpoint('e', 'on-request')]);
  const under = load(host, connections);
  await eventually(() => under.served > 500, 'load');
  await ask(host, 'e', 'on_request segv');
  await again(host, 1);
  const then = under.served;
  await eventually(() => under.served > then + 500, 'load after the crash');
  await under.stop();
  const took = Number(/serving again after (\d+) ms/.exec(host.errors)[1]);
  t.diagnostic(`serving again after ${took} ms (first answer ${under.firstAfter - under.lastBefore} ms after the first lost one); ${under.served} served, ${under.lost} lost, ${under.refused} refused`);
  assert.equal(under.refused, 0);
  assert.ok(under.lost <= connections, `${under.lost} lost`);
  if (!sanitized) assert.ok(took < Math.max(500, 3 * start), `${took} ms, the first start ${start} ms`);
  assert.equal(await host.stop(), 0);
});

test('kill -SEGV from outside is blamed on no plugin; three in a minute are safe mode, and nothing acknowledged is lost', async (t) => {
  const data = scratch();
  const args = ['--plugins', directory('outside', ['on-request'])];
  let host = await Host.start({ data: data.path, args });
  await host.api('c', [endpoint('e', 'on-request')]);
  const served = async (header) => {
    const answer = await ask(host, 'e');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-crash'], header);
  };
  for (let times = 1; times <= 3; ++times) {
    await served('1.0.0');
    // The journal's open block may be lost; a backup has it written.
    await host.create('/admin/backup', { directory: path(`copy-${times}`) });
    process.kill(serverPid(host), times === 3 ? 'SIGKILL' : 'SIGSEGV');
    await again(host, times);
  }
  await served(undefined);
  assert.equal(await metric(host, 'safe_mode'), 1);
  assert.equal(await metric(host, 'restarts_total'), 3);
  assert.match(host.errors, /serving again after \d+ ms in safe mode/);
  if (!sanitized) assert.match(host.errors, /the server ended: SIGSEGV from process \d+/);
  assert.equal((await host.requests('?limit=100')).length, 4, 'records');
  assert.throws(() => quarantine(host), /ENOENT/);
  t.diagnostic(host.errors.match(/serving again after \d+ ms/g).join(', '));
  assert.equal(await host.stop(), 0);

  host = await Host.start({ data: data.path, args });  // an operator's restart leaves safe mode
  await served('1.0.0');
  assert.equal(await host.stop(), 0);
  data.remove();
});

test('an exception that leaves a hook ends its request, by a crash or without one, and nothing else', async () => {
  mkdirSync(path('throws'));
  execFileSync('c++', ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-O1', '-fPIC', '-fvisibility=hidden', '-fno-gnu-unique', '-shared', `-I${include}`,
    ...(process.env.MIMUS_ROOT ? ['-static-libstdc++', '-static-libgcc', '-Wl,--exclude-libs,ALL'] : []),
    `-DTHROWS_ABI_MAJOR=${abi('MAJOR')}`, `-DTHROWS_ABI_MINOR=${abi('MINOR')}`, join(here, 'plugins/throws.cc'), '-o', join(path('throws'), 'throws.so')]);
  const host = await Host.start({ args: ['--plugins', path('throws')] });
  await host.api('c', [endpoint('e', 'throws'), endpoint('plain')]);
  for (let times = 0; times < 5; ++times) {
    const answer = await ask(host, 'e', 'throw');
    assert.ok(answer === undefined || answer.status >= 500, answer?.text);
    await eventually(async () => (await ask(host, 'plain'))?.status === 200, 'service');
  }
  assert.equal(await host.stop(), 0);
});

test('a task that never ends holds no stop up', async () => {
  const data = scratch();
  const args = ['--plugins', directory('endless', ['task']), '--plugin-hang', '1s'];
  let host = await Host.start({ data: data.path, args });
  await host.api('c', [endpoint('e', 'task')]);
  assert.equal((await ask(host, 'e', 'task loop')).headers['x-crash'], '1.0.0');
  assert.equal(await host.stop(), 0);
  assert.match(host.errors, /a task of com\.example\.task 1\.0\.0 does not end: the host ends without it/);
  assert.throws(() => quarantine(host), /ENOENT/, 'it may take its time');

  host = await Host.start({ data: data.path, args });
  assert.equal((await ask(host, 'e')).headers['x-crash'], '1.0.0');
  assert.equal((await host.requests('?limit=100')).length, 2, 'records');
  assert.equal(await host.stop(), 0);
  data.remove();
});

test('a stop while the next start is waited for is a clean one', async () => {
  const host = await Host.start();
  for (let times = 1; times <= 4; ++times) {
    process.kill(serverPid(host), 'SIGKILL');
    if (times < 4) await again(host, times);
  }
  await eventually(() => (host.errors.match(/the server ended/g) ?? []).length === 4, 'the end');
  assert.equal(await host.stop(), 0);
});

test('the server dies with its supervisor', async () => {
  const host = await Host.start();
  const server = serverPid(host);
  await host.kill();
  await eventually(() => { try { process.kill(server, 0); return false; } catch { return true; } }, 'the end of the server');
  host.own.remove();
});

test('a server that cannot start again, twice, is the end', async () => {
  const data = scratch();
  const host = await Host.start({ data: data.path });
  renameSync(join(data.path, 'db'), join(data.path, 'elsewhere'));
  writeFileSync(join(data.path, 'db'), 'no database');
  process.kill(serverPid(host), 'SIGKILL');
  const [code] = await host.exited;
  assert.equal(code, 1, host.errors);
  assert.match(host.errors, /mimus: .*\n(.*\n)*mimus: the server cannot start: it ended twice before it was ready/);
  data.remove();
});

test('without supervision the end of the server is the end, and says who it was', async () => {
  const host = await Host.start({ args: ['--no-supervise', '--plugins', directory('alone', ['abort'])] });
  await host.api('c', [endpoint('e', 'abort')]);
  await ask(host, 'e', 'on_request abort');
  const [code] = await host.exited;
  assert.equal(code, 1);
  assert.match(host.errors, /mimus: server ended by signal 6 \(Aborted\): SIGABRT in on_request of com\.example\.abort 1\.0\.0\n/);
  host.own.remove();
});

test('what --plugin-hang may be', async () => {
  for (const bad of ['0s', '2h', '5', '1GiB']) {
    const ended = await mimus(['serve', '--listen', '127.0.0.1:0', '--data', path('none'), '--plugin-hang', bad]);
    assert.equal(ended.code, 2, bad);
    assert.match(ended.err, /must be a time from 1s to 1h/);
  }
});
