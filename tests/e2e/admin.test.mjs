// The admin API: who may, what a definition may hold, revisions, paging, and every way to be refused.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host } from './host.mjs';
import { assertProblem } from './check.mjs';

const apis = '/admin/api-definitions';
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const nobody = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

/** An API of its own for one test, one endpoint and one WebSocket endpoint. */
async function family(slug) {
  const api = await host.create(apis, { slug });
  const endpoint = await host.create(`${apis}/${api.id}/endpoints`, { name: 'one', method: 'GET', path: '/one' });
  const channel = await host.create(`${apis}/${api.id}/websocket-endpoints`, { path: `/ws/${slug}` });
  return [
    { kind: 'api', list: apis, url: `${apis}/${api.id}`, made: api, input: { slug } },
    { kind: 'endpoint', list: `${apis}/${api.id}/endpoints`, url: `${apis}/${api.id}/endpoints/${endpoint.id}`,
      made: endpoint, input: { name: 'one', method: 'GET', path: '/one' } },
    { kind: 'websocket endpoint', list: `${apis}/${api.id}/websocket-endpoints`,
      url: `${apis}/${api.id}/websocket-endpoints/${channel.id}`, made: channel, input: { path: `/ws/${slug}` } },
  ];
}

async function as(authorization, method, path, body) {
  return host.admin(method, path, body, { authorization });
}

test('without a known token every admin path is 401 with WWW-Authenticate, whether it exists or not', async () => {
  for (const authorization of ['', 'Bearer', 'Bearer wrong', 'Bearer e2e-toke', 'Bearer e2e-tokenx', 'Basic ZTJlLXRva2Vu', 'e2e-token']) {
    for (const [method, path] of [['GET', apis], ['POST', apis], ['GET', '/admin/nothing'], ['GET', '/admin/openapi.json'],
      ['PUT', '/admin/plugins/mimus.mock/image'], ['GET', '/admin/dedup']]) {
      const answer = await as(authorization, method, path, method === 'POST' ? {} : undefined);
      assertProblem(answer, 401, 'unauthorized');
      assert.match(answer.headers.get('www-authenticate'), /^Bearer/, authorization);
    }
  }
  const metrics = await as('Bearer wrong', 'GET', '/metrics');
  assert.equal(metrics.status, 401);
});

test('without a known token no body is waited for', async () => {
  for (const more of ['', 'Authorization: Bearer wrong\r\n', 'Expect: 100-continue\r\n']) {
    const text = await host.raw(`POST ${apis} HTTP/1.1\r\nHost: x\r\n${more}Content-Length: 9000000\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 401 /, more);
  }
});

test('the scheme of the token is compared without regard to case', async () => {
  for (const scheme of ['bearer', 'BEARER']) assert.equal((await as(`${scheme} e2e-token`, 'GET', apis)).status, 200);
});

test('no admin answer carries CORS headers, and a preflight gets none', async () => {
  const shown = await host.admin('GET', apis, undefined, { origin: 'http://evil.test' });
  assert.equal(shown.headers.get('access-control-allow-origin'), null);
  const preflight = await host.admin('OPTIONS', apis, undefined,
    { origin: 'http://evil.test', 'access-control-request-method': 'POST' });
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);
});

test('a viewer reads, an editor writes definitions, and tokens and backups are the admin\'s alone', async () => {
  const secrets = {};
  for (const role of ['viewer', 'editor', 'admin']) {
    const made = await host.create('/admin/tokens', { name: `the ${role}`, role });
    assert.match(made.id, ulid);
    secrets[role] = made.secret;
  }
  const rows = [
    ['GET', apis, undefined, 200, 200, 200],
    ['GET', '/admin/requests', undefined, 200, 200, 200],
    ['GET', '/admin/definitions', undefined, 200, 200, 200],
    ['GET', '/admin/plugins', undefined, 200, 200, 200],
    ['GET', '/admin/dedup', undefined, 200, 200, 200],
    ['GET', '/admin/analytics/summary?by=status', undefined, 200, 200, 200],
    ['GET', '/metrics', undefined, 200, 200, 200],
    ['POST', apis, (role) => ({ slug: `by-${role}` }), 403, 201, 201],
    ['PUT', '/admin/definitions', () => ({ apis: [] }), 403, 200, 200],
    ['POST', '/admin/reset', () => ({ sequences: true }), 403, 200, 200],
    ['DELETE', '/admin/dedup', undefined, 403, 204, 204],
    ['GET', '/admin/tokens', undefined, 403, 403, 200],
    ['POST', '/admin/tokens', () => ({ name: 'more', role: 'viewer' }), 403, 403, 201],
    ['POST', '/admin/backup', (role) => ({ directory: `${host.data}/backup-${role}` }), 403, 403, 201],
  ];
  for (const [method, path, body, ...wanted] of rows) {
    for (const [i, role] of ['viewer', 'editor', 'admin'].entries()) {
      const answer = await as(`Bearer ${secrets[role]}`, method, path, body?.(role));
      assert.equal(answer.status, wanted[i], `${role} ${method} ${path}: ${answer.text}`);
      if (wanted[i] === 403) assertProblem(answer, 403, 'forbidden');
    }
  }
});

test('a token\'s secret is shown once, and a revoked token is 401 at once', async () => {
  const made = await host.admin('POST', '/admin/tokens', { name: 'brief', role: 'viewer' });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('cache-control') ?? 'no-store', 'no-store');
  assert.equal((await as(`Bearer ${made.json.secret}`, 'GET', apis)).status, 200);
  const listed = await host.admin('GET', '/admin/tokens?limit=1000');
  assert.ok(listed.json.items.some((token) => token.id === made.json.id && token.name === 'brief'));
  assert.ok(!listed.text.includes(made.json.secret));
  assert.equal((await host.admin('DELETE', `/admin/tokens/${made.json.id}`)).status, 204);
  assertProblem(await as(`Bearer ${made.json.secret}`, 'GET', apis), 401, 'unauthorized');
  assertProblem(await host.admin('DELETE', `/admin/tokens/${made.json.id}`), 404, 'no-such-resource');
  assertProblem(await host.admin('POST', '/admin/tokens', { name: 'x', role: 'root' }), 400, 'invalid-input', '/role');
  assertProblem(await host.admin('POST', '/admin/tokens', { role: 'viewer' }), 400, 'invalid-input', '/name');
});

test('definitions are made, shown, replaced, changed and deleted, each with revision and ETag', async () => {
  for (const { kind, list, url, made, input } of await family('crud')) {
    assert.match(made.id, ulid, kind);
    assert.match(made.createdAt, time, kind);
    assert.match(made.updatedAt, time, kind);
    assert.equal(Number.isInteger(made.revision), true, kind);

    const shown = await host.admin('GET', url);
    assert.equal(shown.status, 200);
    assert.deepEqual(shown.json, made);
    const tag = shown.headers.get('etag');
    assert.match(tag, /^"[^"]+"$/);
    assert.equal(tag, `"${made.revision}"`);
    assert.equal(shown.headers.get('content-type'), 'application/json');
    const unchanged = await host.admin('GET', url, undefined, { 'if-none-match': tag });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.headers.get('etag'), tag);
    assert.equal(unchanged.text, '');

    const replaced = await host.admin('PUT', url, { ...input, plugins: {} }, { 'if-match': tag });
    assert.equal(replaced.status, 200, replaced.text);
    assert.equal(replaced.json.id, made.id);
    assert.equal(replaced.json.createdAt, made.createdAt);
    assert.ok(replaced.json.revision > made.revision);
    assert.ok(replaced.json.updatedAt >= made.updatedAt);
    assert.notEqual(replaced.headers.get('etag'), tag);
    assertProblem(await host.admin('PUT', url, input, { 'if-match': tag }), 412, 'precondition-failed');
    assertProblem(await host.admin('PATCH', url, {}, { 'if-match': tag }), 412, 'precondition-failed');
    assertProblem(await host.admin('DELETE', url, undefined, { 'if-match': tag }), 412, 'precondition-failed');
    assert.equal((await host.admin('GET', url, undefined, { 'if-none-match': tag })).status, 200);

    const patched = await host.admin('PATCH', url, {}, { 'if-match': replaced.headers.get('etag'), 'content-type': 'application/merge-patch+json' });
    assert.equal(patched.status, 200, patched.text);
    const listed = await host.admin('GET', `${list}?limit=1000`);
    assert.deepEqual(listed.json.items.filter((one) => one.id === made.id), [patched.json]);
    assert.equal((await host.admin('PUT', url, input, { 'if-match': '*' })).status, 200);
  }
});

test('a created definition has its Location, which shows it', async () => {
  for (const [i, { list, input }] of (await family('locate')).entries()) {
    const fresh = i === 0 ? { slug: 'located' } : i === 1 ? input : { path: '/ws/located' };
    const made = await host.admin('POST', list, fresh);
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get('location'), `${list}/${made.json.id}`);
    assert.equal(made.headers.get('etag'), `"${made.json.revision}"`);
    assert.deepEqual((await host.admin('GET', made.headers.get('location'))).json, made.json);
  }
});

test('an API shows its documented defaults', async () => {
  const api = await host.create(apis, { slug: 'defaults' });
  assert.deepEqual(api.hosts, []);
  assert.deepEqual(api.capture, { requestHeaders: false, responseHeaders: false, bodies: false });
  assert.deepEqual(api.plugins, {});
  const endpoint = await host.create(`${apis}/${api.id}/endpoints`, { method: 'GET', path: '/' });
  assert.equal(endpoint.apiId, api.id);
  assert.equal(endpoint.enabled, true);
  assert.equal(endpoint.priority, 0);
  assert.equal('proxyTimeout' in endpoint, false, 'looked up per request, so not shown');
});

test('a merge patch merges objects, takes null fields away and replaces arrays', async () => {
  const api = await host.create(apis, { slug: 'merge', name: 'n', description: 'd', capture: { bodies: true } });
  const patched = await host.admin('PATCH', `${apis}/${api.id}`,
    { description: null, capture: { requestHeaders: true }, hosts: ['merge.test'] });
  assert.equal(patched.status, 200, patched.text);
  assert.equal(patched.json.name, 'n');
  assert.equal(patched.json.description, '');
  assert.equal(patched.json.capture.bodies, true);
  assert.equal(patched.json.capture.requestHeaders, true);
  const again = await host.admin('PATCH', `${apis}/${api.id}`, { hosts: ['other.test'], capture: { bodies: null } });
  assert.deepEqual(again.json.hosts, ['other.test']);
  assert.notEqual(again.json.capture.bodies, true);
  assertProblem(await host.admin('PATCH', `${apis}/${api.id}`, { slug: null }), 400, 'invalid-input', '/slug');
  assertProblem(await host.admin('PATCH', `${apis}/${api.id}`, { capture: { oops: 1 } }), 400, 'invalid-input', '/capture/oops');
  assertProblem(await host.admin('PATCH', `${apis}/${api.id}`, [1]), 400, 'invalid-input', '');

  const endpoint = await host.create(`${apis}/${api.id}/endpoints`,
    { method: 'GET', path: '/p', responses: [{ body: 'old' }], priority: 3 });
  const url = `${apis}/${api.id}/endpoints/${endpoint.id}`;
  const moved = await host.admin('PATCH', url, { path: '/q', priority: null });
  assert.equal(moved.json.priority, 0);
  assert.deepEqual(moved.json.responses, endpoint.responses);
  assert.equal((await host.mock('merge', '/p')).status, 404);
  assert.equal(await (await host.mock('merge', '/q')).text(), 'old');
  const refused = await host.admin('PATCH', url, { responses: [{ status: 99 }] });
  assertProblem(refused, 400, 'invalid-input', '/responses/0/status');
  assert.deepEqual((await host.admin('GET', url)).json, moved.json, 'a refused patch leaves all as it was');
});

test('what the host owns may be sent along and is ignored, but an id must not differ', async () => {
  for (const { url, made, input } of await family('own')) {
    const sent = { ...input, id: made.id, apiId: nobody, createdAt: '1999-01-01T00:00:00.000Z', updatedAt: 'x', revision: 4711 };
    const replaced = await host.admin('PUT', url, sent);
    assert.equal(replaced.status, 200, replaced.text);
    assert.equal(replaced.json.createdAt, made.createdAt);
    assert.notEqual(replaced.json.revision, 4711);
    if (made.apiId) assert.equal(replaced.json.apiId, made.apiId);
    assertProblem(await host.admin('PUT', url, { ...input, id: nobody }), 400, 'invalid-input', '/id');
    assertProblem(await host.admin('PATCH', url, { id: nobody }), 400, 'invalid-input', '/id');
    const whole = await host.admin('GET', url);
    const back = await host.admin('PUT', url, whole.text);
    assert.equal(back.status, 200, `what GET shows, PUT takes: ${back.text}`);
  }
});

test('bad fields are 400 with a pointer at each, and all are named at once', async () => {
  const [{ made: api }] = await family('fields');
  const at = { api: apis, endpoint: `${apis}/${api.id}/endpoints`, channel: `${apis}/${api.id}/websocket-endpoints` };
  const endpoint = { method: 'GET', path: '/x' };
  const when = (leaf) => ({ ...endpoint, responses: [{ when: leaf }] });
  const rows = [
    ['api', {}, '/slug'],
    ['api', { slug: 'ok-1', colour: 1 }, '/colour'],
    ['api', { slug: 'Upper' }, '/slug'],
    ['api', { slug: '-x' }, '/slug'],
    ['api', { slug: 'a'.repeat(64) }, '/slug'],
    ['api', { slug: 'a_b' }, '/slug'],
    ['api', { slug: 7 }, '/slug'],
    ['api', { slug: 'ok-1', hosts: 'one' }, '/hosts'],
    ['api', { slug: 'ok-1', hosts: ['a.test', 5] }, '/hosts/1'],
    ['api', { slug: 'ok-1', cors: { origin: [] } }, '/cors/origin'],
    ['api', { slug: 'ok-1', cors: 'yes' }, '/cors'],
    ['api', { slug: 'ok-1', capture: { bodies: 1 } }, '/capture/bodies'],
    ['api', { slug: 'ok-1', plugins: { 'com.example.none': {} } }, '/plugins/com.example.none'],
    ['endpoint', { path: '/x' }, '/method'],
    ['endpoint', { method: 'GET' }, '/path'],
    ['endpoint', { ...endpoint, colour: 1 }, '/colour'],
    ['endpoint', { ...endpoint, 'a/b~c': 1 }, '/a~1b~0c'],
    ['endpoint', { method: 'G ET', path: '/x' }, '/method'],
    ['endpoint', { method: 'GET', path: 'x' }, '/path'],
    ['endpoint', { method: 'GET', path: '/a/*rest/b' }, '/path'],
    ['endpoint', { method: 'GET', path: '/:a/:a' }, '/path'],
    ['endpoint', { method: 'GET', path: '/a//b\u0000' }, '/path'],
    ['endpoint', { ...endpoint, priority: 'high' }, '/priority'],
    ['endpoint', { ...endpoint, priority: 1.5 }, '/priority'],
    ['endpoint', { ...endpoint, enabled: 'no' }, '/enabled'],
    ['endpoint', { ...endpoint, responseMode: 'any' }, '/responseMode'],
    ['endpoint', { ...endpoint, responses: [{}, { status: 199 }] }, '/responses/1/status'],
    ['endpoint', { ...endpoint, responses: [{ status: 600 }] }, '/responses/0/status'],
    ['endpoint', { ...endpoint, responses: [{ delayMs: 600001 }] }, '/responses/0/delayMs'],
    ['endpoint', { ...endpoint, responses: [{ delayMs: -1 }] }, '/responses/0/delayMs'],
    ['endpoint', { ...endpoint, responses: [{ weight: 0 }] }, '/responses/0/weight'],
    ['endpoint', { ...endpoint, responses: [{ weight: 1001 }] }, '/responses/0/weight'],
    ['endpoint', { ...endpoint, responses: [{ bodyBase64: '***' }] }, '/responses/0/bodyBase64'],
    ['endpoint', { ...endpoint, responses: [{ headers: { 'X-A': 'a\r\nX-B: b' } }] }, '/responses/0/headers/X-A'],
    ['endpoint', { ...endpoint, responses: [{ headers: { 'bad name': 'x' } }] }, '/responses/0/headers/bad name'],
    ['endpoint', { ...endpoint, responses: [{ extra: 1 }] }, '/responses/0/extra'],
    ['endpoint', when({ in: 'query', name: 'a', op: 'matches', value: '(' }), '/responses/0/when/value'],
    ['endpoint', when({ in: 'query', name: 'a', op: 'matches', value: 'a'.repeat(1025) }), '/responses/0/when/value'],
    ['endpoint', when({ in: 'nowhere', op: 'exists' }), '/responses/0/when/in'],
    ['endpoint', when({ all: [{ in: 'query', name: 'a', op: 'near', value: 'x' }] }), '/responses/0/when/all/0/op'],
    ['endpoint', { ...endpoint, proxyTimeout: 99 }, '/proxyTimeout'],
    ['endpoint', { ...endpoint, proxyTimeout: 30001 }, '/proxyTimeout'],
    ['endpoint', { ...endpoint, proxyMode: true, proxyTarget: 'ftp://x.test/' }, '/proxyTarget'],
    ['endpoint', { ...endpoint, proxyMode: true, proxyTarget: 'http://169.254.169.254/' }, '/proxyTarget'],
    ['endpoint', { ...endpoint, proxyMode: true }, '/proxyTarget'],
    ['endpoint', { ...endpoint, proxyHeaders: { remov: [] } }, '/proxyHeaders/remov'],
    ['endpoint', { ...endpoint, cacheTTL: 31536001 }, '/cacheTTL'],
    ['endpoint', { ...endpoint, cacheTTL: -1 }, '/cacheTTL'],
    ['endpoint', { ...endpoint, cacheControl: 'none' }, '/cacheControl'],
    ['endpoint', { ...endpoint, deduplication: 1 }, '/deduplication'],
    ['endpoint', { ...endpoint, validationMode: 'warn' }, '/validationMode'],
    ['endpoint', { ...endpoint, requestSchema: { type: 'nothing' } }, '/requestSchema'],
    ['endpoint', { ...endpoint, plugins: { 'mimus.nothing': false } }, '/plugins/mimus.nothing'],
    ['channel', {}, '/path'],
    ['channel', { path: '/other' }, '/path'],
    ['channel', { path: '/ws/x', colour: 1 }, '/colour'],
    ['channel', { path: '/ws/x', events: [{ name: 'a', trigger: 'interval' }] }, '/events/0/interval'],
    ['channel', { path: '/ws/x', events: [{ name: 'a', trigger: 'interval', interval: 49 }] }, '/events/0/interval'],
    ['channel', { path: '/ws/x', events: [{ name: 'a', trigger: 'connection', interval: 100 }] }, '/events/0/interval'],
    ['channel', { path: '/ws/x', events: [{ name: 'a', trigger: 'sometimes' }] }, '/events/0/trigger'],
    ['channel', { path: '/ws/x', events: [{ name: 'a', trigger: 'connection', delayMs: -5 }] }, '/events/0/delayMs'],
    ['channel', { path: '/ws/x', maxConnectionsPerIp: -1 }, '/maxConnectionsPerIp'],
  ];
  const wrong = [];
  for (const [kind, body, pointer] of rows) {
    const answer = await host.admin('POST', at[kind], body);
    try {
      assertProblem(answer, 400, 'invalid-input', pointer);
    } catch (error) {
      wrong.push(`${kind} ${JSON.stringify(body).slice(0, 200)} ${pointer}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
  }
  assert.deepEqual(wrong, []);
  const both = await host.admin('POST', at.endpoint, { method: 5, path: '/x', colour: 1, priority: 'x' });
  const pointers = assertProblem(both, 400, 'invalid-input').errors.map((error) => error.pointer).sort();
  assert.deepEqual(pointers, ['/colour', '/method', '/priority']);
  const bodies = await host.admin('POST', at.endpoint, { ...endpoint, responses: [{ body: 'x', json: 1 }] });
  assertProblem(bodies, 400, 'invalid-input');
  assert.ok(bodies.json.errors.every((error) => error.pointer.startsWith('/responses/0')), bodies.text);
});

test('what this version does not have is refused as not-available, never taken and ignored', async () => {
  const [{ made: api }] = await family('later');
  for (const [method, path] of [
    ['GET', '/admin/requests/stream'],
    ['GET', '/admin/analytics/timeseries?by=status'],
    ['POST', `${apis}/${api.id}/record`],
  ]) {
    const answer = await host.admin(method, path, method === 'GET' || method === 'DELETE' ? undefined : {});
    assertProblem(answer, 501, 'not-available');
  }
  assertProblem(await host.admin('GET', '/admin/requests?q=x'), 400, 'not-available', '/q');
});

test('slugs, hosts and WebSocket paths belong to one API each: a second is 409', async () => {
  const one = await host.create(apis, { slug: 'single', hosts: ['single.test'] });
  const two = await host.create(apis, { slug: 'double', hosts: ['double.test'] });
  await host.create(`${apis}/${one.id}/websocket-endpoints`, { path: '/ws/single' });
  const channel = await host.create(`${apis}/${two.id}/websocket-endpoints`, { path: '/ws/double' });
  assertProblem(await host.admin('POST', apis, { slug: 'single' }), 409, 'conflict', '/slug');
  assertProblem(await host.admin('PATCH', `${apis}/${two.id}`, { slug: 'single' }), 409, 'conflict', '/slug');
  assertProblem(await host.admin('POST', apis, { slug: 'third', hosts: ['x.test', 'single.test'] }), 409, 'conflict', '/hosts/1');
  assertProblem(await host.admin('PUT', `${apis}/${two.id}`, { slug: 'double', hosts: ['SINGLE.test'] }), 409, 'conflict', '/hosts/0');
  assertProblem(await host.admin('POST', `${apis}/${two.id}/websocket-endpoints`, { path: '/ws/single' }), 409, 'conflict', '/path');
  assertProblem(await host.admin('PATCH', `${apis}/${two.id}/websocket-endpoints/${channel.id}`, { path: '/ws/single' }), 409, 'conflict', '/path');
  assert.equal((await host.admin('PUT', `${apis}/${one.id}`, { slug: 'single', hosts: ['single.test'] })).status, 200, 'its own are no conflict');
  await host.create(`${apis}/${two.id}/endpoints`, { method: 'GET', path: '/dup', responses: [{ body: 'a' }] });
  await host.create(`${apis}/${two.id}/endpoints`, { method: 'GET', path: '/dup', responses: [{ body: 'b' }] });
  assert.equal(await (await host.mock('double', '/dup')).text(), 'b', 'endpoints may be there twice; the newest wins');
  assert.equal((await host.admin('DELETE', `${apis}/${one.id}`)).status, 204);
  await host.create(apis, { slug: 'single', hosts: ['single.test'] });
});

test('deleting an API takes its endpoints and WebSocket endpoints along', async () => {
  const [api, endpoint, channel] = await family('cascade');
  assert.equal((await host.mock('cascade', '/one')).status, 200);
  const gone = await host.admin('DELETE', api.url, undefined, { 'if-match': `"${api.made.revision}"` });
  assert.equal(gone.status, 204, gone.text);
  assert.equal(gone.text, '');
  for (const { url } of [api, endpoint, channel]) {
    assertProblem(await host.admin('GET', url), 404, 'no-such-resource');
    assertProblem(await host.admin('DELETE', url), 404, 'no-such-resource');
    assertProblem(await host.admin('PATCH', url, {}), 404, 'no-such-resource');
  }
  assertProblem(await host.admin('GET', endpoint.list), 404, 'no-such-resource');
  assert.equal((await (await host.mock('cascade', '/one')).json()).type, 'urn:mimus:error:no-such-api');
  await host.create(apis, { slug: 'cascade' });
});

test('an endpoint is found only below its own API', async () => {
  const [, endpoint, channel] = await family('mine');
  const other = await host.create(apis, { slug: 'theirs' });
  for (const [part, one] of [['endpoints', endpoint], ['websocket-endpoints', channel]]) {
    const url = `${apis}/${other.id}/${part}/${one.made.id}`;
    assertProblem(await host.admin('GET', url), 404, 'no-such-resource');
    assertProblem(await host.admin('DELETE', url), 404, 'no-such-resource');
    assertProblem(await host.admin('PUT', url, one.input), 404, 'no-such-resource');
  }
});

test('a deleted endpoint is gone at the very next request, and a disabled one too', async () => {
  const [, endpoint] = await family('next');
  assert.equal((await host.mock('next', '/one')).status, 200);
  assert.equal((await host.admin('PATCH', endpoint.url, { enabled: false })).status, 200);
  assert.equal((await host.mock('next', '/one')).status, 404);
  assert.equal((await host.admin('PATCH', endpoint.url, { enabled: true })).status, 200);
  assert.equal((await host.mock('next', '/one')).status, 200);
  assert.equal((await host.admin('DELETE', endpoint.url)).status, 204);
  assert.equal((await host.mock('next', '/one')).status, 404);
});

test('250 endpoints come in pages, each once, in order, and the cursor survives a deletion', async () => {
  const api = await host.create(apis, { slug: 'many' });
  const list = `${apis}/${api.id}/endpoints`;
  const ids = [];
  for (let i = 0; i < 250; i += 10) {
    const made = await Promise.all(Array.from({ length: 10 }, (_, k) => host.create(list, { method: 'GET', path: `/e${i + k}` })));
    ids.push(...made.map((one) => one.id));
  }
  ids.sort();
  for (const [limit, sizes] of [['', [100, 100, 50]], ['limit=90', [90, 90, 70]], ['limit=250', [250]], ['limit=1000', [250]]]) {
    const seen = [], pages = [];
    for (let cursor = null; ;) {
      const page = await host.admin('GET', `${list}?${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      assert.equal(page.status, 200, page.text);
      pages.push(page.json.items.length);
      seen.push(...page.json.items.map((one) => one.id));
      cursor = page.json.nextCursor;
      if (cursor === null) break;
    }
    assert.deepEqual(pages, sizes, limit);
    assert.deepEqual([...seen].sort(), ids);
    assert.equal(new Set(seen).size, 250);
  }
  const first = (await host.admin('GET', `${list}?limit=10`)).json;
  await host.admin('DELETE', `${list}/${first.items[9].id}`);
  const second = (await host.admin('GET', `${list}?limit=10&cursor=${encodeURIComponent(first.nextCursor)}`)).json;
  assert.equal(second.items.length, 10);
  assert.equal(second.items.some((one) => first.items.some((other) => other.id === one.id)), false);
  for (const [query, pointer] of [['limit=0', '/limit'], ['limit=1001', '/limit'], ['limit=x', '/limit'], ['limit=-1', '/limit'],
    ['cursor=%00', '/cursor'], ['cursor=none', '/cursor'], ['page=2', '/page']]) {
    assertProblem(await host.admin('GET', `${list}?${query}`), 400, 'invalid-input', pointer);
  }
});

test('bodies that are no JSON are 400 invalid-json, whatever is wrong with them', async () => {
  const rows = [
    '', ' ', '{', '{"slug":"a"', '{"slug":"a"}}', '{"slug":"a"} x', "{'slug':'a'}", '{"slug":"a",}', '{slug:1}', 'nonsense',
    '{"slug":"a\nb"}', '{"slug":"\\ud800"}', '{"slug":"\\x"}', '{"slug":01}', '{"slug":NaN}', '\ufeff{"slug":"bom"}',
    '{"slug":"a"}\u0000', '{"sl\u0000ug":"a"}', '{"slug":"one","slug":"two"}',
    `{"slug":"deep","x":${'['.repeat(101)}${']'.repeat(101)}}`, `${'['.repeat(100_000)}`, `{"a":${'{"a":'.repeat(50_000)}`,
  ];
  for (const body of rows) {
    const answer = await host.admin('POST', apis, body, { 'content-type': 'application/json' });
    assertProblem(answer, 400, 'invalid-json');
  }
  const utf8 = await host.admin('POST', apis, undefined, { 'content-type': 'application/json' });
  assertProblem(utf8, 400, 'invalid-json');
  const raw = await fetch(host.url + apis, { method: 'POST', headers: { authorization: 'Bearer e2e-token', 'content-type': 'application/json' },
    body: Buffer.from('{"slug":"a","name":"\xff\xfe"}', 'latin1') });
  assert.equal(raw.status, 400);
  assert.equal((await raw.json()).type, 'urn:mimus:error:invalid-json');
  for (const body of ['[]', '"text"', '7', 'null', 'true']) {
    assertProblem(await host.admin('POST', apis, body), 400, 'invalid-input', '');
  }
});

test('JSON of exactly the depth limit is taken', async () => {
  const api = await host.create(apis, { slug: 'depth' });
  const json = '['.repeat(97) + ']'.repeat(97);  // below the endpoint, responses and the response
  const url = `${apis}/${api.id}/endpoints`;
  const made = await host.admin('POST', url, `{"method":"GET","path":"/deep","responses":[{"json":${json}}]}`);
  assert.equal(made.status, 201, made.text);
  assert.equal(await (await host.mock('depth', '/deep')).text(), json);
  const deeper = await host.admin('POST', url, `{"method":"GET","path":"/deep","responses":[{"json":[${json}]}]}`);
  assertProblem(deeper, 400, 'invalid-json');
});

test('a NUL in text is kept where text may hold it, and refused where it may not', async () => {
  assertProblem(await host.admin('POST', apis, { slug: 'nul\u0000' }), 400, 'invalid-input', '/slug');
  const api = await host.create(apis, { slug: 'nul', name: 'a\u0000b' });
  assert.equal(api.name, 'a\u0000b');
  assert.equal((await host.admin('GET', `${apis}/${api.id}`)).json.name, 'a\u0000b');
  await host.create(`${apis}/${api.id}/endpoints`, { method: 'GET', path: '/b', responses: [{ body: 'x\u0000y' }] });
  assert.equal(await (await host.mock('nul', '/b')).text(), 'x\u0000y');
});

test('a body of another type than JSON is 415', async () => {
  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'application/jsonx']) {
    assertProblem(await host.admin('POST', apis, '{"slug":"typed"}', { 'content-type': type }), 415, 'unsupported-media-type');
  }
  const made = await host.admin('POST', apis, '{"slug":"typed"}', { 'content-type': 'Application/JSON; charset=utf-8' });
  assert.equal(made.status, 201, made.text);
});

test('a body beyond 10 MiB is 413, and the host goes on', async () => {
  const answer = await host.admin('POST', apis, `{"slug":"huge","description":"${'x'.repeat(11 << 20)}"}`).catch((error) => error);
  if (answer.status !== undefined) assertProblem(answer, 413, 'body-too-large');
  assert.equal((await host.admin('GET', apis)).status, 200);
});

test('unknown admin paths and ids are 404 problems that name the path', async () => {
  for (const path of ['/admin', '/admin/', '/admin/nothing', `${apis}/`, `${apis}/${nobody}`, `${apis}/short`, `${apis}/${'x'.repeat(3000)}`,
    `${apis}/${nobody}/endpoints`, `${apis}/${nobody}/endpoints/${nobody}`, `${apis}/${nobody}/websocket-endpoints`,
    `/admin/requests/${nobody}`, '/admin/plugins/none', `/admin/pipeline?endpointId=${nobody}`, `/admin/websocket-endpoints/${nobody}/connections`,
  ]) {
    const problem = assertProblem(await host.admin('GET', path), 404, 'no-such-resource');
    assert.equal(problem.instance, path.split('?')[0]);
  }
  assert.equal((await host.admin('GET', '/ADMIN/api-definitions')).status, 404);
  assertProblem(await host.admin('DELETE', `/admin/tokens/${nobody}`), 404, 'no-such-resource');
  assertProblem(await host.admin('DELETE', '/admin/tokens/x'), 404, 'no-such-resource');
});

test('a method that a resource does not have is 405 with Allow', async () => {
  const [{ url }] = await family('methods');
  for (const [method, path, allow] of [
    ['DELETE', apis, ['GET', 'POST']],
    ['PUT', apis, ['GET', 'POST']],
    ['POST', url, ['GET', 'PUT', 'PATCH', 'DELETE']],
    ['POST', '/admin/definitions', ['GET', 'PUT']],
    ['GET', '/admin/reset', ['POST']],
    ['PUT', '/admin/tokens', ['GET', 'POST']],
    ['POST', '/admin/requests', ['GET', 'DELETE']],
    ['POST', '/admin/openapi.json', ['GET']],
    ['PUT', '/admin/dedup', ['GET', 'DELETE']],
    ['POST', '/admin/analytics/summary', ['GET']],
    ['FROB', apis, ['GET', 'POST']],
  ]) {
    const answer = await host.admin(method, path, method === 'GET' ? undefined : {});
    assertProblem(answer, 405, 'method-not-allowed');
    const named = answer.headers.get('allow').split(', ');
    for (const one of allow) assert.ok(named.includes(one), `${method} ${path}: ${named}`);
    for (const one of named) assert.ok([...allow, 'HEAD', 'OPTIONS'].includes(one), `${method} ${path}: ${named}`);
  }
});

test('HEAD of an admin resource has the head of GET and no body', async () => {
  const [{ url, made }] = await family('head');
  const got = await host.admin('GET', url);
  const head = await host.admin('HEAD', url);
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(head.headers.get('etag'), `"${made.revision}"`);
  assert.equal(head.headers.get('content-length'), String(got.text.length));
});

test('twenty editors at once lose no change that If-Match guards', async () => {
  const api = await host.create(apis, { slug: 'race', description: '0' });
  const url = `${apis}/${api.id}`;
  let refused = 0;
  await Promise.all(Array.from({ length: 20 }, async () => {
    for (;;) {
      const now = await host.admin('GET', url);
      const answer = await host.admin('PATCH', url, { description: String(Number(now.json.description) + 1) },
        { 'if-match': now.headers.get('etag') });
      if (answer.status === 200) return;
      assertProblem(answer, 412, 'precondition-failed');
      ++refused;
    }
  }));
  assert.equal((await host.admin('GET', url)).json.description, '20');
  assert.ok(refused >= 0);
});
