// Mocks: made through the admin API, answered to the byte.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host, curl } from './host.mjs';

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

test('an endpoint with two rule-chosen responses answers by the rule that holds', async () => {
  await host.api('shop', [{
    name: 'get user', method: 'GET', path: '/users/:id', responseMode: 'rules',
    responses: [
      { name: 'not found', status: 404, json: { error: 'no such user' },
        when: { all: [{ in: 'path', name: 'id', op: 'equals', value: '0' }] } },
      { name: 'ok', default: true, status: 200, json: { id: 1, name: 'Ada' } },
    ],
  }]);
  const found = await curl(`${host.url}/mock/shop/users/7`);
  assert.equal(found.status, 200);
  assert.equal(found.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(found.body), { id: 1, name: 'Ada' });
  const missing = await curl(`${host.url}/mock/shop/users/0`);
  assert.equal(missing.status, 404);
  assert.deepEqual(JSON.parse(missing.body), { error: 'no such user' });
  const records = await host.requests();
  assert.deepEqual(records.map((r) => r.responseName), ['not found', 'ok']);
});

test('json keeps its exact source text, in the mock and in the definition', async () => {
  const api = await host.create('/admin/api-definitions', { slug: 'exact' });
  const made = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`,
    '{"method":"GET","path":"/price","responses":[{"json":{"price" : 275.0, "big":12345678901234567890123}}]}');
  assert.equal(made.status, 201, made.text);
  const answer = await curl(`${host.url}/mock/exact/price`);
  assert.equal(answer.body, '{"price" : 275.0, "big":12345678901234567890123}');
  const shown = await host.admin('GET', `/admin/api-definitions/${api.id}/endpoints/${made.json.id}`);
  assert.ok(shown.text.includes('{"price" : 275.0, "big":12345678901234567890123}'), shown.text);
});

test('a delayed response does not keep others waiting', async () => {
  await host.api('slow', [
    { name: 'slow', path: '/slow', method: 'GET', responses: [{ body: 'late', delayMs: 4000 }] },
    { name: 'fast', path: '/fast', method: 'GET', responses: [{ body: 'soon' }] },
  ]);
  const order = [];
  const slow = host.mock('slow', '/slow').then(async (r) => { order.push(await r.text()); });
  for (let i = 0; i < 10; ++i) order.push(await (await host.mock('slow', '/fast')).text());
  await slow;
  assert.deepEqual(order, [...Array(10).fill('soon'), 'late']);
});

test('a miss names the nearest endpoints, a wrong method the right ones', async () => {
  await host.api('miss', [{ path: '/users', method: 'GET' }]);
  const miss = await curl(`${host.url}/mock/miss/user`);
  assert.equal(miss.status, 404);
  const problem = JSON.parse(miss.body);
  assert.equal(problem.type, 'urn:mimus:error:no-such-endpoint');
  assert.equal(problem.nearest[0].path, '/users');
  const method = await curl('-X', 'DELETE', `${host.url}/mock/miss/users`);
  assert.equal(method.status, 405);
  assert.equal(method.headers.allow, 'GET, HEAD, OPTIONS');
  const unknown = await curl(`${host.url}/mock/nothing/users`);
  assert.equal(JSON.parse(unknown.body).type, 'urn:mimus:error:no-such-api');
  const [latest] = await host.requests('?status=405');
  assert.equal(latest.endpointId, null);
  assert.equal(latest.error, 'method-not-allowed');
});
