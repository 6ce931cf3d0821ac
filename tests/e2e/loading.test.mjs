// A host with many endpoints is ready before all are loaded, and nobody can tell but by /readyz.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Host, eventually, scratch } from './host.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

const count = 8_000;  // far more than a start waits for
const apis = '/admin/api-definitions';
const directory = scratch();
after(() => directory.remove());

const endpoint = (i) => ({ name: `e${i}`, method: 'GET', path: `/things/${i}/parts/:part`, responses: [{ json: { i } }] });
const start = () => Host.start({ data: directory.path });
const things = async (host, i) => {
  const answer = await host.mock('many', `/things/${i}/parts/1`);
  return { status: answer.status, body: await answer.json() };
};

before(async () => {
  const host = await start();
  const endpoints = Array.from({ length: count }, (_, i) => endpoint(i));
  const channel = { path: '/ws/many' };
  const made = await host.admin('PUT', '/admin/definitions', { version: 1, apis: [{ slug: 'many', endpoints, websocketEndpoints: [channel] }, { slug: 'few' }] });
  assert.equal(made.status, 200, made.text);
  assert.equal(await host.stop(), 0);
});

test('requests that come at once are answered as after the load', async () => {
  const host = await start();
  const answers = await Promise.all([0, 1, count / 2, count - 1].map((i) => things(host, i)));
  assert.deepEqual(answers.map(({ status, body }) => [status, body.i]), [[200, 0], [200, 1], [200, count / 2], [200, count - 1]]);
  assert.equal((await host.mock('many', '/nothing')).status, 404);
  assert.equal((await host.mock('nobody', '/')).status, 404);
  assert.equal(await host.stop(), 0);
});

test('a WebSocket that comes at once is opened', async () => {
  const host = await start();
  const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws/many`);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  socket.close();
  assert.equal(await host.stop(), 0);
});

test('/readyz is 503 or 200 at first, and 200 from the first answer on', async () => {
  const host = await start();
  assert.equal((await fetch(`${host.url}/healthz`)).status, 200);
  assert.ok([200, 503].includes((await fetch(`${host.url}/readyz`)).status));
  assert.equal((await things(host, 7)).status, 200);
  assert.equal((await fetch(`${host.url}/readyz`)).status, 200);
  assert.equal(await host.stop(), 0);
});

test('edits that come at once are made upon what was stored', async () => {
  const host = await start();
  const listed = (await host.admin('GET', apis)).json.items;
  const api = listed.find(({ slug }) => slug === 'many').id;
  const added = await host.create(`${apis}/${api}/endpoints`, { ...endpoint(count), name: 'late' });
  assert.equal(await host.stop(), 0);

  const again = await start();
  const patched = await again.admin('PATCH', `${apis}/${api}/endpoints/${added.id}`, { responses: [{ json: { i: -1 } }] });
  assert.equal(patched.status, 200, patched.text);
  assert.equal((await things(again, count)).body.i, -1);
  assert.equal((await things(again, 3)).body.i, 3);
  await again.kill();

  const third = await start();
  assert.equal((await things(third, count)).body.i, -1);
  assert.equal((await third.admin('DELETE', `${apis}/${api}/endpoints/${added.id}`)).status, 204);
  assert.equal((await things(third, count)).status, 404);
  assert.equal(await third.stop(), 0);
});

test('a host that is stopped or killed at once leaves everything as it was', async () => {
  for (const end of ['stop', 'kill', 'stop', 'kill']) await (await start())[end]();
  const host = await start();
  assert.equal((await things(host, count - 1)).status, 200);
  const all = await eventually(async () => (await host.admin('GET', '/admin/definitions')).json, 'the definitions');
  assert.equal(all.apis.find(({ slug }) => slug === 'many').endpoints.length, count);
  assert.equal(await host.stop(), 0);
});
