// CORS: browsers may read mocks, unless the API says otherwise.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host, curl, upstream } from './host.mjs';

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

const exposed = 'ETag, Age, Location, X-Mock-Proxied, X-Mock-Deduplicated';
const page = 'https://app.example';
const get = { method: 'GET', path: '/x', responses: [{ body: 'x' }] };

const ask = (slug, path, ...args) => curl(...args, `${host.url}/mock/${slug}${path}`);
const preflight = (slug, path, origin, method, ...args) =>
  ask(slug, path, '-X', 'OPTIONS', '-H', `Origin: ${origin}`, '-H', `Access-Control-Request-Method: ${method}`, ...args);
const namesOf = (headers) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

test('an API that says nothing about cors may be read from every origin', async () => {
  await host.api('open', [get]);
  const answer = await ask('open', '/x', '-H', `Origin: ${page}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.equal(answer.headers['access-control-expose-headers'], exposed);
  assert.equal(answer.headers['access-control-allow-credentials'], undefined);
});

test('a request without an Origin is answered without cors headers', async () => {
  await host.api('plain', [get]);
  const answer = await ask('plain', '/x');
  assert.deepEqual(namesOf(answer.headers), []);
});

test('a preflight is 204 and never reaches the mock', async () => {
  await host.api('pre', [
    get,
    { method: 'OPTIONS', path: '/own', responses: [{ status: 299, body: 'mock' }] },
  ]);
  for (const path of ['/x', '/own']) {
    const answer = await preflight('pre', path, page, 'GET', '-H', 'Access-Control-Request-Headers: x-one, content-type');
    assert.equal(answer.status, 204, path);
    assert.equal(answer.body, '');
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.match(answer.headers['access-control-allow-methods'], /GET|\*/);
    assert.match(answer.headers['access-control-allow-headers'], /x-one|\*/);
    assert.equal(answer.headers['access-control-max-age'], '600');
  }
  const [record] = await host.requests('?method=OPTIONS');
  assert.equal(record.status, 204);
  assert.equal(record.responseName, null);
});

test('an OPTIONS without Access-Control-Request-Method is no preflight', async () => {
  await host.api('options', [{ ...get, path: '/defined', method: 'OPTIONS', responses: [{ status: 207, body: 'mine' }] }, get]);
  const defined = await ask('options', '/defined', '-X', 'OPTIONS', '-H', `Origin: ${page}`);
  assert.equal(defined.status, 207);
  assert.equal(defined.body, 'mine');
  const automatic = await ask('options', '/x', '-X', 'OPTIONS', '-H', `Origin: ${page}`);
  assert.equal(automatic.status, 204);
  assert.equal(automatic.headers.allow, 'GET, HEAD, OPTIONS');
  assert.equal(automatic.headers['access-control-allow-origin'], '*');
});

test('a miss, a wrong method and a preflight of a miss under a known slug carry cors too', async () => {
  await host.api('missing', [get]);
  const miss = await ask('missing', '/nowhere', '-H', `Origin: ${page}`);
  assert.equal(miss.status, 404);
  assert.equal(miss.headers['access-control-allow-origin'], '*');
  const wrong = await ask('missing', '/x', '-X', 'DELETE', '-H', `Origin: ${page}`);
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers['access-control-allow-origin'], '*');
  const before = await preflight('missing', '/nowhere', page, 'PUT');
  assert.equal(before.status, 204);
  assert.equal(before.headers['access-control-allow-origin'], '*');
  const records = await host.requests(`?apiId=${(await host.requests('?status=405'))[0].apiId}`);
  assert.deepEqual(records.map((r) => [r.method, r.status, r.endpointId]),
    [['OPTIONS', 204, null], ['DELETE', 405, null], ['GET', 404, null]]);
});

test('lists reflect the origin with Vary, and leave strangers without leave', async () => {
  await host.api('lists', [get], {
    cors: { origins: [page, 'http://localhost:5173'], methods: ['GET', 'PUT'], headers: ['X-One'], maxAge: 7 },
  });
  for (const origin of [page, 'http://localhost:5173']) {
    const answer = await ask('lists', '/x', '-H', `Origin: ${origin}`);
    assert.equal(answer.headers['access-control-allow-origin'], origin);
    assert.equal(answer.headers.vary, 'Origin');
    assert.equal(answer.headers['access-control-expose-headers'], exposed);
  }
  const stranger = await ask('lists', '/x', '-H', 'Origin: https://evil.example');
  assert.equal(stranger.status, 200);
  assert.deepEqual(namesOf(stranger.headers), []);
  assert.equal(stranger.headers.vary, 'Origin');
  const nobody = await ask('lists', '/x');
  assert.equal(nobody.headers.vary, 'Origin');

  const known = await preflight('lists', '/x', page, 'PUT');
  assert.equal(known.status, 204);
  assert.equal(known.headers['access-control-allow-origin'], page);
  assert.equal(known.headers['access-control-allow-methods'], 'GET, PUT');
  assert.equal(known.headers['access-control-allow-headers'], 'X-One');
  assert.equal(known.headers['access-control-max-age'], '7');
  assert.equal(known.headers.vary, 'Origin');
  const refused = await preflight('lists', '/x', 'https://evil.example', 'PUT');
  assert.equal(refused.status, 204);
  assert.deepEqual(namesOf(refused.headers), []);
  const almost = await preflight('lists', '/x', `${page}.evil.example`, 'PUT');
  assert.deepEqual(namesOf(almost.headers), []);
});

test('with credentials the origin is named, never a star', async () => {
  await host.api('login', [get], { cors: { origins: [page], credentials: true } });
  const answer = await ask('login', '/x', '-H', `Origin: ${page}`);
  assert.equal(answer.headers['access-control-allow-origin'], page);
  assert.equal(answer.headers['access-control-allow-credentials'], 'true');
  await host.api('anyone', [get], { cors: { credentials: true } });
  const any = await ask('anyone', '/x', '-H', `Origin: ${page}`);
  assert.equal(any.headers['access-control-allow-origin'], page);
  assert.equal(any.headers['access-control-allow-credentials'], 'true');
  assert.equal(any.headers.vary, 'Origin');
});

test('cors: false says nothing, and preflights go the way of all requests', async () => {
  await host.api('off', [get], { cors: false });
  const answer = await ask('off', '/x', '-H', `Origin: ${page}`);
  assert.equal(answer.status, 200);
  assert.deepEqual(namesOf(answer.headers), []);
  const before = await preflight('off', '/x', page, 'GET');
  assert.equal(before.status, 204);
  assert.equal(before.headers.allow, 'GET, HEAD, OPTIONS');
  assert.deepEqual(namesOf(before.headers), []);
});

test('what the mock or the upstream says about cors wins', async () => {
  const up = await upstream((request, response) => {
    response.writeHead(200, { 'Access-Control-Allow-Origin': 'https://upstream.example' });
    response.end('up');
  });
  try {
    await host.api('own', [
      { method: 'GET', path: '/mock', responses: [{ body: 'm', headers: { 'Access-Control-Allow-Origin': 'https://mock.example' } }] },
      { method: 'GET', path: '/up', proxyMode: true, proxyTarget: up.url },
    ]);
    const mock = await ask('own', '/mock', '-H', `Origin: ${page}`);
    assert.equal(mock.headers['access-control-allow-origin'], 'https://mock.example');
    const proxied = await ask('own', '/up', '-H', `Origin: ${page}`);
    assert.equal(proxied.body, 'up');
    assert.equal(proxied.headers['access-control-allow-origin'], 'https://upstream.example');
  } finally {
    await up.stop();
  }
});

test('a change of cors counts for the very next request', async () => {
  const api = await host.api('change', [get]);
  const changed = await host.admin('PATCH', `/admin/api-definitions/${api.id}`, { cors: false });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(namesOf((await ask('change', '/x', '-H', `Origin: ${page}`)).headers), []);
});

test('the admin API carries no cors', async () => {
  const answer = await curl('-H', `Origin: ${page}`, '-H', `Authorization: Bearer ${host.token}`, `${host.url}/admin/api-definitions`);
  assert.equal(answer.status, 200);
  assert.deepEqual(namesOf(answer.headers), []);
});

test('a cors that means nothing is refused with its pointer', async () => {
  const bad = [
    ['yes', '/cors'],
    [{ origin: ['https://a.example'] }, '/cors/origin'],
    [{ origins: 'https://a.example' }, '/cors/origins'],
    [{ origins: ['https://a.example', 'a.example/path'] }, '/cors/origins/1'],
    [{ methods: ['GET', 'NO WAY'] }, '/cors/methods/1'],
    [{ headers: ['X-A', 'b:c'] }, '/cors/headers/1'],
    [{ maxAge: -1 }, '/cors/maxAge'],
    [{ credentials: 'yes' }, '/cors/credentials'],
  ];
  for (const [cors, pointer] of bad) {
    const answer = await host.admin('POST', '/admin/api-definitions', { slug: 'bad-cors', cors });
    assert.equal(answer.status, 400, JSON.stringify(cors));
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.ok(answer.json.errors.some((e) => e.pointer === pointer), `${JSON.stringify(cors)}: ${answer.text}`);
  }
});
