// The SDK's examples: built by the commands of their READMEs, configured as these show, and met by real clients.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, eventually, scratch, upstream } from './host.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');
const sdk = join(dirname(fileURLToPath(import.meta.url)), '../../sdk');
const rustc = (() => { try { return execFileSync('rustc', ['--version'], { encoding: 'utf8' }); } catch { return ''; } })();
const examples = ['header-rewrite', 'token-check', 'chat-room', ...(rustc ? ['rate-limit'] : [])];

const work = scratch();
const plugins = join(work.path, 'plugins');

/** The text of the nth block of a kind in an example's README. */
function block(example, kind) {
  const readme = readFileSync(join(sdk, 'examples', example, 'README.md'), 'utf8');
  return new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(readme)[1];
}
const shown = (example) => JSON.parse(block(example, 'json'));

/** Runs the commands of an example's README on a copy of the SDK, and takes what they made. */
function build(example) {
  const cwd = join(work.path, 'sdk/examples', example);
  return new Promise((resolve, reject) => {
    execFile('sh', ['-e', '-c', block(example, 'sh')], { cwd, encoding: 'utf8' }, (error, out, err) => {
      if (error) return reject(new Error(`${example}: ${out}\n${err}`));
      copyFileSync(join(cwd, 'build', `${example}.so`), join(plugins, `${example}.so`));
      resolve();
    });
  });
}

let host, up, auth;
before(async () => {
  mkdirSync(plugins);
  cpSync(sdk, join(work.path, 'sdk'), { recursive: true });
  await Promise.all(examples.map(build));
  up = await upstream((request, response) => response.end(JSON.stringify(request.headers)));
  auth = await upstream((request, response) => {
    const token = request.headers.authorization;
    if (token === 'Bearer slow') return;  // never
    response.writeHead(token === 'Bearer good' ? 200 : token === 'Bearer odd' ? 500 : 403).end();
  });
  host = await Host.start({ args: ['--plugins', plugins] });
});
after(async () => {
  await up?.stop();
  await auth?.stop();
  if (host) assert.equal(await host.stop(), 0);
  work.remove();
});

test('header-rewrite changes what the upstream and the client see, and not the journal', async () => {
  const api = await host.api('rewrite', [
    { ...shown('header-rewrite'), name: 'users', proxyMode: true, proxyTarget: up.url },
    { name: 'plain', method: 'GET', path: '/plain', proxyMode: true, proxyTarget: up.url }], { capture: { requestHeaders: true } });
  const answer = await host.mock('rewrite', '/users', { headers: { 'x-debug': '1', 'x-tenant': 'red' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const sent = await answer.json();
  assert.equal(sent['x-tenant'], 'blue');
  assert.equal(sent['x-debug'], undefined);
  const [record] = await host.requests(`?apiId=${api.id}`);
  const { json } = await eventually(async () => {
    const shown = await host.admin('GET', `/admin/requests/${record.id}`);  // 503: the journal's writer was late
    return shown.status !== 503 && shown;
  }, 'the record');
  assert.match(JSON.stringify(json), /red/);
  assert.doesNotMatch(JSON.stringify(json), /blue/);
  const plain = await (await host.mock('rewrite', '/plain', { headers: { 'x-debug': '1' } })).json();
  assert.equal(plain['x-debug'], '1');
  const bad = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`,
    { method: 'GET', path: '/bad', plugins: { 'com.example.header-rewrite': { setRequest: 'no colon' } } });
  assert.equal(bad.status, 400, bad.text);
});

test('token-check asks the service once for each token, and fails closed', async () => {
  const { plugins: named } = shown('token-check');
  named['com.example.token-check'].url = `${auth.url}/verify`;
  await host.api('shop', [{ name: 'cart', method: 'GET', path: '/cart', responses: [{ body: 'cart' }] }], { plugins: named });
  const ask = (token) => host.mock('shop', '/cart', token ? { headers: { authorization: `Bearer ${token}` } } : {});
  const none = await ask();
  assert.equal(none.status, 401);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  assert.equal(auth.seen.length, 0);
  const together = await Promise.all(Array.from({ length: 8 }, () => ask('good')));
  for (const answer of together) assert.equal(answer.status, 200);
  const asked = auth.seen.length;
  assert.ok(asked >= 1 && asked <= 8, `${asked} questions`);
  assert.equal((await ask('good')).status, 200);
  assert.equal(auth.seen.length, asked, 'the verdict was kept');
  for (let i = 0; i < 2; ++i) assert.equal((await ask('bad')).status, 401);
  assert.equal(auth.seen.length, asked + 1);
  for (let i = 0; i < 2; ++i) assert.equal((await ask('odd')).status, 503);
  assert.equal(auth.seen.length, asked + 3, 'no verdict is not kept');
  const given_up = new AbortController();
  const slow = host.mock('shop', '/cart', { headers: { authorization: 'Bearer slow' }, signal: given_up.signal });
  await eventually(() => auth.seen.length === asked + 4, 'the slow question');
  given_up.abort();
  await assert.rejects(slow);
  assert.equal((await ask('good')).status, 200, 'the next request is served');
});

test('chat-room: clients on several workers hear each other in their room', async () => {
  const api = await host.create('/admin/api-definitions', { slug: 'chat' });
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, shown('chat-room'));
  const client = async () => {
    const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws/chat`);
    const received = [];
    socket.on('message', (data) => received.push(JSON.parse(data)));
    const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    return { socket, received, closed, of: (event) => received.filter((e) => e.event === event).map((e) => e.data) };
  };
  const all = await Promise.all(Array.from({ length: 8 }, client));
  all.forEach((c, i) => c.socket.send(JSON.stringify({ join: i === 7 ? 'attic' : 'lobby', as: `c${i}` })));
  const heard = (c, event, n) => eventually(() => c.of(event).length === n, `${n} × ${event}; there is ${JSON.stringify(c.received)}`);
  await Promise.all(all.slice(0, 7).map((c) => eventually(() => c.of('joined').some((e) => e.from.startsWith('c')), 'its own joining')));
  await heard(all[7], 'joined', 1);
  for (let i = 0; i < 5; ++i) all[0].socket.send(`hello ${i}`);
  for (const c of all.slice(0, 7)) {
    await heard(c, 'message', 5);
    assert.deepEqual(c.of('message').map((e) => e.text), [0, 1, 2, 3, 4].map((i) => `hello ${i}`), 'in order');
    assert.equal(c.of('message')[0].from, 'c0');
  }
  assert.equal(all[7].of('message').length, 0, 'another room');
  all[1].socket.close();
  await all[1].closed;
  await Promise.all([0, 2, 3, 4, 5, 6].map((i) => heard(all[i], 'left', 1)));
  all[2].socket.send('x'.repeat(501));
  assert.equal(await all[2].closed, 1009);
  for (const c of all) c.socket.close();
  await Promise.all(all.map((c) => c.closed));
});

test('rate-limit, in Rust, lets a burst pass and then answers 429 with Retry-After', { skip: !rustc && 'there is no rustc here' }, async () => {
  await host.api('limited', [{ name: 'search', responses: [{ body: 'found' }], ...shown('rate-limit') }]);
  const answers = [];
  for (let i = 0; i < 14 || (i < 500 && answers.at(-1).status !== 429); ++i) answers.push(await host.mock('limited', '/search'));
  const statuses = answers.map((a) => a.status);
  assert.deepEqual(statuses.slice(0, 10), Array(10).fill(200));
  const refused = answers.find((a) => a.status === 429);
  assert.ok(refused, `${statuses}`);
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 60, `${wait}`);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
  assert.equal((await refused.json()).type, 'urn:mimus:error:too-many-requests');
  const record = (await host.requests('?limit=500')).find((one) => one.status === 429);
  assert.equal(record.error, 'too-many-requests');
});
