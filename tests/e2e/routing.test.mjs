// Which endpoint answers: paths, methods, hosts and the default API.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host, curl } from './host.mjs';

let host;
before(async () => { host = await Host.start({ args: ['--default-api', 'front'] }); });
after(async () => { assert.equal(await host.stop(), 0); });

const at = (path, fields = {}) => ({ name: path, method: 'GET', path, responses: [{ name: path, body: path }], ...fields });
const code = (answer) => JSON.parse(answer.body).type.replace('urn:mimus:error:', '');
const get = (path, ...args) => curl('--path-as-is', ...args, host.url + path);
const raw = (line, fields = '') => host.raw(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`);

test('the leftmost literal wins, with backtracking; then priority; then the newest', async () => {
  await host.api('tree', [
    at('/a/:x'), at('/a/b'), at('/:y/b/c'), at('/a/*rest'), at('/a/b/:z/d'), at('/*all'), at('/{one}/only'),
  ]);
  for (const [path, endpoint] of [
    ['/a/b', '/a/b'], ['/a/c', '/a/:x'], ['/z/b/c', '/:y/b/c'], ['/a/b/c', '/a/*rest'], ['/a/b/c/d', '/a/b/:z/d'], ['/a/b/c/e', '/a/*rest'],
    ['/a/', '/a/*rest'], ['/a', '/a/*rest'], ['/q/only', '/{one}/only'], ['/q/other', '/*all'], ['', '/*all'], ['/', '/*all'],
  ]) {
    assert.equal((await get(`/mock/tree${path}`)).body, endpoint, path);
  }
  await host.api('rank', [
    at('/p', { name: 'old', responses: [{ body: 'old' }] }), at('/p', { name: 'high', priority: 5, responses: [{ body: 'high' }] }),
    at('/p', { name: 'new', responses: [{ body: 'new' }] }),
    at('/n', { name: '1', responses: [{ body: 'first' }] }), at('/n', { name: '2', responses: [{ body: 'second' }] }),
    at('/off', { name: '3', enabled: false, priority: 9, responses: [{ body: 'disabled' }] }), at('/off', { name: '4', responses: [{ body: 'enabled' }] }),
    at('/m', { method: 'ANY', name: '5', priority: 9, responses: [{ body: 'any' }] }), at('/m', { name: '6', responses: [{ body: 'exact' }] }),
  ]);
  for (const [path, body] of [['/p', 'high'], ['/n', 'second'], ['/off', 'enabled'], ['/m', 'exact']]) assert.equal((await get(`/mock/rank${path}`)).body, body, path);
  assert.equal((await get('/mock/rank/m', '-X', 'PURGE')).body, 'any');
});

test('segments are decoded once, slashes count, and nobody climbs out', async () => {
  await host.api('seg', [
    at('/x/:v', { responses: [{ body: 'slash', when: { in: 'path', name: 'v', op: 'equals', value: 'a/b' } }, { body: 'percent', when: { in: 'path', name: 'v', op: 'equals', value: '%41' } }, { default: true, body: 'other' }] }),
    at('/end'), at('/dir/'), at('/ü', { responses: [{ body: 'umlaut' }] }),
  ]);
  for (const [path, status, body] of [
    ['/x/a%2Fb', 200, 'slash'], ['/x/%2541', 200, 'percent'], ['/x/%41', 200, 'other'], ['/x/a/b', 404], ['/end/', 404], ['/dir', 404], ['/dir/', 200, '/dir/'],
    ['/%C3%BC', 200, 'umlaut'], ['/y/../end', 200, '/end'], ['/y/%2e%2E/./end', 200, '/end'], ['/../seg/end', 400], ['/%2e%2e/seg/end', 400], ['/x/%zz', 400], ['/END', 404], ['//end', 404],
  ]) {
    const answer = await get(`/mock/seg${path}`);
    assert.equal(answer.status, status, path);
    if (body) assert.equal(answer.body, body, path);
  }
});

test('HEAD is answered from GET, without a body but with its length', async () => {
  await host.api('head', [at('/g'), at('/own', { method: 'HEAD', responses: [{ status: 204, headers: { 'X-Own': '1' } }] }), at('/p', { method: 'POST' })]);
  const text = await raw('HEAD /mock/head/g');
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /Content-Length: 2\r\n/i);
  assert.ok(text.endsWith('\r\n\r\n'), 'no body');
  const own = await get('/mock/head/own', '-I');
  assert.deepEqual([own.status, own.headers['x-own']], [204, '1']);
  assert.equal((await get('/mock/head/p', '-I')).status, 405);
  const [record] = await host.requests('?method=HEAD&status=200');
  assert.deepEqual([record.method, record.responseSize], ['HEAD', 0]);
  assert.equal((await get('/mock/head/none', '-I')).status, 404);
});

test('OPTIONS is 204 with Allow, unless it is defined', async () => {
  await host.api('opt', [at('/g'), at('/g', { method: 'PUT', name: 'put' }), at('/any', { method: 'ANY' }), at('/own', { method: 'OPTIONS', responses: [{ body: 'own' }] })]);
  const answer = await get('/mock/opt/g', '-X', 'OPTIONS');
  assert.equal(answer.status, 204);
  assert.deepEqual(answer.headers.allow.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'PUT']);
  assert.equal((await get('/mock/opt/own', '-X', 'OPTIONS')).body, 'own');
  assert.equal((await get('/mock/opt/any', '-X', 'OPTIONS')).body, '/any', 'ANY defines it');
  assert.equal((await get('/mock/opt/none', '-X', 'OPTIONS')).status, 404);
  const wrong = await get('/mock/opt/g', '-X', 'PATCH');
  assert.deepEqual([wrong.status, code(wrong)], [405, 'method-not-allowed']);
  assert.deepEqual(wrong.headers.allow.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'PUT']);
});

test('an API answers at / for its hosts, with or without a port, in any case', async () => {
  const api = await host.api('by-host', [at('/h'), at('/')], { hosts: ['api.example.com', 'Other.Example'] });
  for (const name of ['api.example.com', 'API.Example.COM', `api.example.com:${host.port}`, 'api.example.com:80', 'other.example']) {
    assert.equal((await get('/h', '-H', `Host: ${name}`)).body, '/h', name);
  }
  assert.equal((await get('/', '-H', 'Host: api.example.com')).body, '/');
  assert.equal((await get('/mock/by-host/h', '-H', 'Host: api.example.com')).body, '/h', '/mock is still there');
  assert.equal((await get('/mock/tree/a/b', '-H', 'Host: api.example.com')).body, '/a/b');
  const miss = await get('/none', '-H', 'Host: api.example.com');
  assert.deepEqual([miss.status, code(miss)], [404, 'no-such-endpoint']);
  for (const path of ['/healthz', '/readyz']) assert.deepEqual(JSON.parse((await get(path, '-H', 'Host: api.example.com')).body), { status: 'ok' });
  assert.equal((await get('/admin/api-definitions', '-H', 'Host: api.example.com')).status, 401, 'reserved paths stay what they are');
  const [record] = await host.requests(`?apiId=${api.id}&limit=1`);
  assert.equal(record.path, '/none');
});

test('hosts are unique across APIs and freed with theirs', async () => {
  const taken = await host.admin('POST', '/admin/api-definitions', { slug: 'thief', hosts: ['api.example.com'] });
  assert.equal(taken.status, 409, taken.text);
  const cased = await host.admin('POST', '/admin/api-definitions', { slug: 'thief', hosts: ['API.EXAMPLE.COM'] });
  assert.equal(cased.status, 409, cased.text);
  for (const hosts of ['api.example', ['a b'], ['http://x.example'], ['x.example/path'], ['']]) {
    assert.equal((await host.admin('POST', '/admin/api-definitions', { slug: 'thief', hosts })).status, 400, JSON.stringify(hosts));
  }
  const api = await host.api('leaver', [at('/l')], { hosts: ['leaver.example'] });
  assert.equal((await get('/l', '-H', 'Host: leaver.example')).body, '/l');
  assert.equal((await host.admin('DELETE', `/admin/api-definitions/${api.id}`)).status, 204);
  assert.notEqual((await get('/l', '-H', 'Host: leaver.example')).status, 200);
  assert.equal((await host.admin('POST', '/admin/api-definitions', { slug: 'thief', hosts: ['leaver.example'] })).status, 201);
});

test('--default-api serves its API at /, but for reserved paths', async () => {
  const before = await get('/page');
  assert.equal(before.status, 404);
  await host.api('front', [at('/page'), at('/admin/x'), at('/healthz'), at('/mock/front/page', { responses: [{ body: 'shadow' }] })]);
  assert.equal((await get('/page')).body, '/page');
  assert.equal((await get('/mock/front/page')).body, '/page');
  assert.deepEqual(JSON.parse((await get('/healthz')).body), { status: 'ok' });
  assert.equal((await get('/admin/x')).status, 401);
  const miss = await get('/nothing');
  assert.deepEqual([miss.status, code(miss)], [404, 'no-such-endpoint']);
  assert.equal((await get('/../etc/passwd')).status, 400);
});

test('methods are tokens of any name, and nonsense is refused', async () => {
  const api = await host.api('verbs', [at('/v', { method: 'PROPFIND' }), at('/v', { method: 'M-SEARCH', name: 'm', responses: [{ body: 'm' }] })]);
  assert.equal((await get('/mock/verbs/v', '-X', 'PROPFIND')).body, '/v');
  assert.equal((await get('/mock/verbs/v', '-X', 'M-SEARCH')).body, 'm');
  assert.equal((await get('/mock/verbs/v', '-X', 'propfind')).status, 405, 'methods are case-sensitive');
  for (const [fields, pointer] of [
    [{ method: 'GE T' }, '/method'], [{ method: '' }, '/method'], [{ method: 7 }, '/method'],
    [{ path: 'x' }, '/path'], [{ path: '/a/*rest/b' }, '/path'], [{ path: '/:a/:a' }, '/path'], [{ path: '/a?b' }, '/path'],
    [{ priority: 'high' }, '/priority'], [{ enabled: 'yes' }, '/enabled'], [{ verb: 'GET' }, '/verb'],
  ]) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: '/x', ...fields });
    assert.equal(answer.status, 400, `${JSON.stringify(fields)}: ${answer.text}`);
    assert.ok(answer.json.errors.some((e) => e.pointer === pointer), `${JSON.stringify(fields)}: ${answer.text}`);
  }
  for (const fields of [{ slug: 'Verbs' }, { slug: '-x' }, { slug: '' }, {}, { slug: 'x'.repeat(64) }]) {
    const answer = await host.admin('POST', '/admin/api-definitions', fields);
    assert.equal(answer.status, 400, JSON.stringify(fields));
  }
  assert.equal((await host.admin('POST', '/admin/api-definitions', { slug: 'verbs' })).status, 409);
});

test('an unknown API, no slug and a wrong path are told apart', async () => {
  for (const [path, expected] of [['/mock/unknown/x', 'no-such-api'], ['/mock/', 'no-such-api'], ['/mock', 'no-such-api']]) {
    const answer = await get(path);
    assert.deepEqual([answer.status, code(answer)], [404, expected], path);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
  }
  const miss = await get('/mock/rank/q');
  assert.ok(JSON.parse(miss.body).nearest.length <= 3);
});

test('a request is routed by its target, whatever form it has', async () => {
  assert.match(await raw(`GET http://elsewhere.example/mock/rank/n`), /^HTTP\/1\.1 200 [^]*second$/);
  assert.match(await raw('GET mock/rank/n'), /^HTTP\/1\.1 400 /);
  assert.match(await raw('OPTIONS *'), /^HTTP\/1\.1 (204|200|404|400) /);
  assert.match(await raw('CONNECT example.com:443'), /^HTTP\/1\.1 (400|404|405|501) /);
  assert.match(await host.raw('GET /mock/rank/n HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /, 'HTTP/1.1 needs a Host');
  assert.match(await host.raw('GET /mock/rank/n HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
});
