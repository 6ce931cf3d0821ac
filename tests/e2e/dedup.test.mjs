// Deduplication: the same request again is answered from what was kept for the first.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host, curl, upstream, scratch, eventually } from './host.mjs';

let host;
let up;
let asked = 0;
let release;  // lets the upstream answer /held
before(async () => {
  up = await upstream((request, response) => {
    const kind = new URL(request.url, 'http://up').pathname;
    if (kind === '/cookie') response.setHeader('Set-Cookie', 'a=b');
    if (kind === '/no-store') response.setHeader('Cache-Control', 'no-store');
    if (kind === '/vary') response.setHeader('Vary', '*');
    if (kind === '/partial') response.statusCode = 206;
    if (kind === '/broken') response.statusCode = 500;
    if (kind === '/missing') response.statusCode = 404;
    if (kind === '/cut') {
      response.setHeader('Content-Length', 100);
      response.write('half', () => response.destroy());
      return;
    }
    const answer = () => response.end(`answer ${++asked}`);
    if (kind === '/held') release = answer;
    else setTimeout(answer, kind === '/slow' ? 300 : 0);
  });
  host = await Host.start({ workers: 1 });
});
after(async () => {
  await up?.stop();
  assert.equal(await host.stop(), 0);
});

const deduplicated = { deduplication: true };
const proxied = (path, fields = {}) =>
  ({ name: path, method: 'ANY', path, ...deduplicated, proxyMode: true, proxyTarget: `${up.url}/`, ...fields });

/** What an answer shows of deduplication. */
async function ask(slug, path, options) {
  const answer = await host.mock(slug, path, options);
  return { status: answer.status, text: await answer.text(), kept: answer.headers.get('x-mock-deduplicated') === 'true', headers: answer.headers };
}
const post = (body, headers = {}) => ({ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

/** Asserts which of the second requests are the same as the first of their pair. */
async function pairs(slug, rows) {
  for (const [name, first, second, same] of rows) {
    const one = await ask(slug, ...first);
    assert.equal(one.kept, false, `${name}: the first is nobody's repetition`);
    const two = await ask(slug, ...second);
    assert.equal(two.kept, same, name);
    if (same) assert.equal(two.text, one.text, name);
  }
}

test('first slow, then fast, with X-Mock-Deduplicated and Age, and the journal says so', async () => {
  const api = await host.api('tour', [{
    name: 'slow', method: 'GET', path: '/slow', ...deduplicated,
    responses: [{ json: { n: 1.5 }, delayMs: 2000, headers: { 'X-Own': 'kept' } }],
  }]);
  const url = `${host.url}/mock/tour/slow`;
  const first = await curl(url);
  assert.ok(first.seconds >= 2, `${first.seconds}`);
  assert.equal(first.headers['x-mock-deduplicated'], undefined);
  assert.equal(first.headers.age, undefined);
  for (let i = 0; i < 2; ++i) {
    const again = await curl(url);
    assert.ok(again.seconds < 2, `${again.seconds}`);
    assert.equal(again.status, 200);
    assert.equal(again.headers['x-mock-deduplicated'], 'true');
    assert.match(again.headers.age, /^\d+$/);
    assert.equal(again.headers['content-type'], 'application/json');
    assert.equal(again.headers['x-own'], 'kept');
    assert.equal(again.body, '{"n":1.5}');
  }
  const records = await host.requests(`?apiId=${api.id}`);
  assert.deepEqual(records.map((r) => [r.deduplicated, r.proxied, r.status, r.responseSize]),
    [[true, false, 200, 9], [true, false, 200, 9], [false, false, 200, 9]]);
});

test('an answer kept for a proxied endpoint is not journalled as proxied', async () => {
  const api = await host.api('flags', [proxied('/a')]);
  assert.equal((await ask('flags', '/a')).headers.get('x-mock-proxied'), 'true');
  assert.equal((await ask('flags', '/a')).kept, true);
  const records = await host.requests(`?apiId=${api.id}`);
  assert.deepEqual(records.map((r) => [r.deduplicated, r.proxied]), [[true, false], [false, true]]);
  assert.deepEqual((await host.requests(`?apiId=${api.id}&deduplicated=true`)).map((r) => r.id), [records[0].id]);
  assert.deepEqual((await host.requests(`?apiId=${api.id}&proxied=true`)).map((r) => r.id), [records[1].id]);
});

test('the key is made of method, path, query, body, Authorization and Cookie', async () => {
  await host.api('key', [proxied('/*rest')]);
  const h = (headers) => ({ headers });
  await pairs('key', [
    ['query order does not matter', ['/q?a=1&b=2'], ['/q?b=2&a=1'], true],
    ['query values do', ['/v?a=1'], ['/v?a=2'], false],
    ['a query or none', ['/n'], ['/n?a'], false],
    ['an encoded path is the same path', ['/p%61th'], ['/path'], true],
    ['an encoded slash is not a slash', ['/x%2Fy'], ['/x/y'], false],
    ['the method', ['/m'], ['/m', { method: 'DELETE' }], false],
    ['JSON key order does not matter, however deep', ['/j', post('{"a":{"x":1,"y":[{"p":1,"q":2}]},"b":2}')], ['/j', post('{ "b":2, "a":{"y":[{"q":2,"p":1}],"x":1} }')], true],
    ['array order does', ['/arr', post('[1,2]')], ['/arr', post('[2,1]')], false],
    ['a value of another type', ['/t', post('{"a":1}')], ['/t', post('{"a":"1"}')], false],
    ['text is compared as bytes', ['/b', post('a b', { 'content-type': 'text/plain' })], ['/b', post('a  b', { 'content-type': 'text/plain' })], false],
    ['broken JSON is compared as bytes', ['/broken-json', post('{"a":1')], ['/broken-json', post('{"a":1 ')], false],
    ['Authorization', ['/auth', h({ authorization: 'Bearer a' })], ['/auth', h({ authorization: 'Bearer b' })], false],
    ['Authorization or none', ['/auth2', h({ authorization: 'Bearer a' })], ['/auth2'], false],
    ['the same Authorization', ['/auth3', h({ authorization: 'Bearer a' })], ['/auth3', h({ authorization: 'Bearer a' })], true],
    ['Cookie', ['/cookies', h({ cookie: 'a=1' })], ['/cookies', h({ cookie: 'a=2' })], false],
    ['Accept-Language, where it is proxied', ['/lang', h({ 'accept-language': 'de' })], ['/lang', h({ 'accept-language': 'en' })], false],
    ['Range, where it is proxied', ['/range'], ['/range', h({ range: 'bytes=0-1' })], false],
    ['If-None-Match, where it is proxied', ['/if'], ['/if', h({ 'if-none-match': '"x"' })], false],
    ['a header that nothing looks at', ['/other', h({ 'x-other': '1' })], ['/other', h({ 'x-other': '2' })], true],
  ]);
});

test('dedupVary and the headers and the address that rules look at are part of the key', async () => {
  const when = (leaf) => [{ body: 'r', when: { any: [{ not: leaf }, leaf] } }, { body: 'd', default: true }];
  await host.api('vary', [
    { method: 'GET', path: '/vary', ...deduplicated, dedupVary: ['X-Tenant'] },
    { method: 'GET', path: '/when', ...deduplicated, responses: when({ in: 'header', name: 'X-Kind', op: 'equals', value: 'b' }) },
    { method: 'GET', path: '/lang', ...deduplicated },
  ]);
  const h = (name, value) => ({ headers: { [name]: value } });
  await pairs('vary', [
    ['dedupVary', ['/vary', h('x-tenant', 'a')], ['/vary', h('x-tenant', 'b')], false],
    ['a header of a rule', ['/when', h('x-kind', 'a')], ['/when', h('x-kind', 'b')], false],
    ['Accept-Language, where it is not proxied', ['/lang', h('accept-language', 'de')], ['/lang', h('accept-language', 'en')], true],
  ]);
  assert.equal((await ask('vary', '/vary', h('x-tenant', 'a'))).kept, true);
});

test('identical requests at the same time reach the upstream once', async () => {
  const api = await host.api('together', [proxied('/*rest')]);
  await ask('together', '/first');  // who comes before an endpoint's pipeline is made waits for that, not for a leader
  const seen = up.seen.length;
  const requests = async () => Number(/^mimus_requests_total (\d+)$/m.exec((await host.admin('GET', '/metrics')).text)[1]);
  let before = await requests();
  const asking = Array.from({ length: 8 }, () => ask('together', '/held'));
  await eventually(async () => await requests() === ++before + 8 && up.seen.length > seen, 'all eight, beside who counts them');
  release();
  const answers = await Promise.all(asking);
  assert.equal(up.seen.length - seen, 1);
  assert.equal(new Set(answers.map((a) => a.text)).size, 1);
  assert.equal(answers.filter((a) => !a.kept).length, 1);
  for (const answer of answers.filter((a) => a.kept)) assert.match(answer.headers.get('age'), /^\d+$/);
  const records = (await host.requests(`?apiId=${api.id}`)).filter((r) => r.path.endsWith('/held'));
  assert.equal(records.filter((r) => r.deduplicated).length, 7);
  assert.equal(records.filter((r) => r.proxied).length, 1);
  const counts = (await host.admin('GET', '/admin/dedup')).json.byEndpoint.find((e) => e.endpointId === api.endpointsByName['/*rest'].id);
  assert.equal(counts.coalesced, 7);
});

test('a leader that goes away does not take those who wait along', async () => {
  await host.api('leader', [proxied('/slow')]);
  const seen = up.seen.length;
  const leaving = new AbortController();
  const leader = host.mock('leader', '/slow', { signal: leaving.signal }).catch((error) => error.name);
  await eventually(() => up.seen.length > seen, 'the first request at the upstream');
  const waiting = [ask('leader', '/slow'), ask('leader', '/slow')];
  leaving.abort();
  assert.equal(await leader, 'AbortError');
  for (const answer of await Promise.all(waiting)) {
    assert.equal(answer.status, 200);
    assert.match(answer.text, /^answer \d+$/);
  }
});

test('what must not be shared is not kept', async () => {
  const api = await host.api('never', [proxied('/*rest'), {
    method: 'GET', path: '/mocked/:kind', ...deduplicated,
    responses: [
      { status: 503, body: 'down', when: { in: 'path', name: 'kind', op: 'equals', value: '503' } },
      { headers: { 'Set-Cookie': 'a=b' }, body: 'c', when: { in: 'path', name: 'kind', op: 'equals', value: 'cookie' } },
    ],
  }]);
  for (const path of ['/broken', '/cut', '/cookie', '/no-store', '/vary', '/partial', '/mocked/503', '/mocked/cookie']) {
    const one = await ask('never', path);
    const two = await ask('never', path);
    assert.deepEqual([one.kept, two.kept], [false, false], path);
    assert.equal(two.headers.get('age'), null, path);
  }
  await ask('never', '/missing');
  assert.equal((await ask('never', '/missing')).kept, true, 'an answer below 500 is kept');
  const all = await host.requests(`?apiId=${api.id}&deduplicated=true`);
  assert.deepEqual(all.map((r) => r.path), ['/mock/never/missing']);
});

test('what other features add is not kept with the answer', async () => {
  const api = await host.api('others', [
    { name: 'o', method: 'GET', path: '/o', ...deduplicated, cacheEnabled: true, responses: [{ body: 'shared' }] },
  ], { cors: { origins: ['https://a.example', 'https://b.example'] } });
  const from = (origin, headers = {}) => ask('others', '/o', { headers: { origin, ...headers } });
  const first = await from('https://a.example');
  assert.equal(first.headers.get('access-control-allow-origin'), 'https://a.example');
  const second = await from('https://b.example');
  assert.equal(second.kept, true);
  assert.equal(second.headers.get('access-control-allow-origin'), 'https://b.example');
  assert.equal(second.headers.get('vary'), 'Origin');
  assert.equal(second.headers.get('etag'), first.headers.get('etag'));
  const third = await from('https://evil.example', { 'if-none-match': first.headers.get('etag') });
  assert.deepEqual([third.status, third.kept, third.text], [304, true, '']);
  assert.equal(third.headers.get('access-control-allow-origin'), null);
  assert.equal((await from('https://a.example')).text, 'shared', 'a 304 is not what is kept');
  const records = await host.requests(`?apiId=${api.id}`);
  assert.deepEqual(records.map((r) => [r.status, r.deduplicated, r.notModified]),
    [[200, true, false], [304, true, true], [200, true, false], [200, false, false]]);
});

test('HEAD and GET are kept apart, and HEAD repeats without a body', async () => {
  await host.api('heads', [{ method: 'GET', path: '/h', ...deduplicated, responses: [{ body: 'long body' }] }, proxied('/p')]);
  for (const path of ['/h', '/p']) {
    for (const round of [1, 2]) {
      const head = await ask('heads', path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.text], [200, ''], `${path} ${round}`);
      if (path === '/h') assert.equal(head.headers.get('content-length'), '9');
      const whole = await ask('heads', path);
      assert.ok(whole.text.length > 0);
      assert.equal(whole.kept, round === 2, path);
    }
  }
});

test('a changed endpoint forgets what was kept for it', async () => {
  const api = await host.api('edit', [{ name: 'e', method: 'GET', path: '/e', ...deduplicated, responses: [{ body: 'old' }] }]);
  await ask('edit', '/e');
  const edited = await host.admin('PATCH', `/admin/api-definitions/${api.id}/endpoints/${api.endpointsByName.e.id}`, { responses: [{ body: 'new' }] });
  assert.equal(edited.status, 200, edited.text);
  const after = await ask('edit', '/e');
  assert.deepEqual([after.text, after.kept], ['new', false]);
});

test('statistics count, DELETE forgets, reset forgets and counts anew', async () => {
  const api = await host.api('stats', [
    { name: 'a', method: 'GET', path: '/a', ...deduplicated, responses: [{ body: 'aaaa' }] },
    { name: 'b', method: 'GET', path: '/b', ...deduplicated, responses: [{ body: 'b' }] },
  ]);
  const { a } = api.endpointsByName;
  const counts = async (id) => (await host.admin('GET', '/admin/dedup')).json.byEndpoint.find((e) => e.endpointId === id);
  for (const path of ['/a', '/a', '/a', '/b', '/b']) await ask('stats', path);
  const seen = await counts(a.id);
  assert.deepEqual([seen.hits, seen.misses, seen.entries, seen.coalesced], [2, 1, 1, 0]);
  assert.ok(seen.bytes >= 4, `${seen.bytes}`);
  const total = (await host.admin('GET', '/admin/dedup')).json;
  assert.equal(total.ttlSeconds, 60);
  assert.ok(Math.abs(total.hitRate - total.hits / (total.hits + total.misses)) < 0.001);

  assert.equal((await host.admin('DELETE', `/admin/dedup?endpointId=${a.id}`)).status, 204);
  assert.equal((await counts(a.id))?.entries ?? 0, 0);
  assert.equal((await ask('stats', '/a')).kept, false, "a's answer is forgotten");
  assert.equal((await ask('stats', '/b')).kept, true, "b's is not");
  assert.equal((await host.admin('DELETE', '/admin/dedup')).status, 204);
  assert.equal((await ask('stats', '/b')).kept, false);

  assert.ok((await host.admin('POST', '/admin/reset', { dedup: true })).status < 300);
  assert.equal((await ask('stats', '/a')).kept, false);
  const fresh = (await host.admin('GET', '/admin/dedup')).json;
  assert.deepEqual([fresh.hits, fresh.misses, fresh.entries], [0, 1, 1]);
});

test('bad questions about dedup are refused', async () => {
  for (const [method, path, status] of [
    ['GET', '/admin/dedup?endpoint=x', 400], ['DELETE', '/admin/dedup?endpointId=nothing', 400],
    ['DELETE', '/admin/dedup?all=1', 400], ['GET', '/admin/dedup/more', 404], ['POST', '/admin/dedup', 405],
  ]) {
    const answer = await host.admin(method, path);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert.match(answer.json.type, /^urn:mimus:error:/);
  }
  const bare = await fetch(`${host.url}/admin/dedup`);
  assert.equal(bare.status, 401);
  await bare.text();
  const api = await host.api('bad');
  for (const [fields, pointer] of [
    [{ deduplication: 1 }, '/deduplication'], [{ dedupVary: 'X' }, '/dedupVary'], [{ dedupVary: ['ok', 'no way'] }, '/dedupVary/1'],
  ]) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: '/x', ...fields });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json.errors.map((e) => e.pointer), [pointer]);
  }
});

test('what was kept survives a clean restart, and ages until its time is over', async () => {
  const data = scratch();
  try {
    const first = await Host.start({ data: data.path });
    const api = await first.api('stay', [{ name: 's', method: 'GET', path: '/s', ...deduplicated, responses: [{ body: 'stays', headers: { 'X-Own': '1' } }] }]);
    await (await first.mock('stay', '/s')).text();
    assert.equal(await first.stop(), 0);

    const second = await Host.start({ data: data.path });
    const again = await second.mock('stay', '/s');
    assert.equal(await again.text(), 'stays');
    assert.equal(again.headers.get('x-mock-deduplicated'), 'true');
    assert.equal(again.headers.get('x-own'), '1');
    const [record] = await second.requests(`?apiId=${api.id}`);
    assert.equal(record.deduplicated, true);
    assert.equal(await second.stop(), 0);
  } finally {
    data.remove();
  }
});

test('DEDUP_TTL_SECONDS is how long an answer is shared', async () => {
  const brief = await Host.start({ env: { DEDUP_TTL_SECONDS: '1' } });
  try {
    await brief.api('brief', [{ method: 'GET', path: '/b', ...deduplicated, responses: [{ body: 'b' }] }]);
    assert.equal((await brief.admin('GET', '/admin/dedup')).json.ttlSeconds, 1);
    const kept = async () => {
      const answer = await brief.mock('brief', '/b');
      await answer.text();
      return answer.headers.get('x-mock-deduplicated') === 'true';
    };
    assert.equal(await kept(), false);
    await eventually(kept, 'two requests within the second');
    await eventually(async () => !(await kept()), 'the end of the kept answer');
  } finally {
    assert.equal(await brief.stop(), 0);
  }
  await assert.rejects(Host.start({ env: { DEDUP_TTL_SECONDS: 'soon' } }), /DEDUP_TTL_SECONDS/);
});
