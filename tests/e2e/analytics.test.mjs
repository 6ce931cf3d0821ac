// The journal and analytics: who asked, from where, for what, and how it went.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, curl, eventually, scratch, upstream } from './host.mjs';

let host;
let up;
let files;
let api;
before(async () => {
  files = scratch();
  writeFileSync(join(files.path, 'config.json'), JSON.stringify({ trustedProxies: ['127.0.0.0/8', '10.1.0.0/16', 'fd00::/8'] }));
  up = await upstream((request, response) => response.end('from upstream'));
  host = await Host.start({ args: ['--config', join(files.path, 'config.json')] });
  api = await host.api('world', [
    { name: 'hello', method: 'ANY', path: '/hello', responses: [{ name: 'hi', body: 'hello world' }] },
    { name: 'cached', method: 'GET', path: '/cached', cacheEnabled: true, responses: [{ body: 'c' }] },
    { name: 'kept', method: 'GET', path: '/kept', deduplication: true, responses: [{ body: 'kept' }] },
    { name: 'proxied', method: 'GET', path: '/proxied', proxyMode: true, proxyTarget: up.url },
  ]);
});
after(async () => {
  await up?.stop();
  assert.equal(await host.stop(), 0);
  files.remove();
});

const ask = async (path, address, options = {}) => {
  const answer = await host.mock('world', path, { ...options, headers: { ...(address ? { 'x-forwarded-for': address } : {}), ...options.headers } });
  return { status: answer.status, text: await answer.text() };
};
/** What the journal tells; asks again where its writer was late, which the answer says. */
const fresh = async (path, of = host) => {
  for (;;) {
    const answer = await of.admin('GET', path);
    assert.equal(answer.status, 200, answer.text);
    if (!answer.json.stale) return answer.json;
  }
};
const summary = (query) => fresh(`/admin/analytics/summary${query}`);
/** Resolves once `call` is not 503: the journal's writer was late. */
const carriedOut = (call) => eventually(async () => { const answer = await call(); return answer.status !== 503 && answer; }, 'the journal');
const empty = async () => assert.equal((await carriedOut(() => host.admin('POST', '/admin/reset', { journal: true, dedup: true }))).status, 200);
const world = [
  ['8.8.8.8', 'US', 'United States'], ['130.133.1.1', 'DE', 'Germany'], ['81.2.69.142', 'GB', 'United Kingdom'],
  ['133.11.0.1', 'JP', 'Japan'], ['200.160.2.3', 'BR', 'Brazil'], ['2001:4860:4860::8888', 'US', 'United States'], ['193.0.6.139', 'NL', 'Netherlands'],
];

test('requests through a trusted proxy are from the country of the client', async () => {
  await empty();
  for (const [address, code, name] of world) {
    await ask('/hello', address);
    const [record] = await host.requests('?limit=1');
    assert.equal(record.clientIp, address);
    assert.equal(record.geoCountryCode, code, address);
    assert.ok(record.geoCountry.startsWith(name), `${address}: ${record.geoCountry}`);
    assert.equal(record.geoCity, null);
  }
});

test('local and private addresses are Local', async () => {
  await empty();
  for (const address of [undefined, '127.0.0.1', '10.2.3.4', '192.168.7.7', '172.16.0.1', '169.254.3.4', '::1', 'fe80::1', 'fc00::5', '::ffff:192.168.1.1']) {
    await ask('/hello', address);
    const [record] = await host.requests('?limit=1');
    assert.deepEqual([record.geoCountry, record.geoCountryCode, record.geoCity], ['Local', 'Local', null], address);
  }
});

test('the client is the last hop that no trusted proxy is', async () => {
  await empty();
  for (const [headers, client] of [
    [{ 'x-forwarded-for': '8.8.8.8, 10.1.2.3' }, '8.8.8.8'],
    [{ 'x-forwarded-for': '1.2.3.4, 8.8.8.8' }, '8.8.8.8'],
    [{ 'x-forwarded-for': '8.8.8.8:4711' }, '8.8.8.8'],
    [{ forwarded: 'for=8.8.8.8;proto=http, for=10.1.0.1' }, '8.8.8.8'],
    [{ forwarded: 'for="[2001:4860:4860::8888]:443"' }, '2001:4860:4860::8888'],
    [{ 'x-forwarded-for': 'unknown' }, '127.0.0.1'],
    [{ 'x-forwarded-for': "8.8.8.8'; DROP TABLE" }, '127.0.0.1'],
    [{ 'x-forwarded-for': '999.1.1.1' }, '127.0.0.1'],
    [{}, '127.0.0.1'],
  ]) {
    await ask('/hello', undefined, { headers });
    const [record] = await host.requests('?limit=1');
    assert.equal(record.clientIp, client, JSON.stringify(headers));
  }
});

test('without trustedProxies nobody is believed, and a bad block is refused at start', async () => {
  const plain = await Host.start();
  try {
    await plain.api('plain', [{ method: 'GET', path: '/x' }]);
    await (await plain.mock('plain', '/x', { headers: { 'x-forwarded-for': '8.8.8.8' } })).text();
    const [record] = await plain.requests();
    assert.deepEqual([record.clientIp, record.geoCountryCode], ['127.0.0.1', 'Local']);
  } finally {
    assert.equal(await plain.stop(), 0);
  }
  const bad = join(files.path, 'bad.json');
  for (const blocks of [['10.0.0.0/33'], ['nothing'], ['10.0.0.1/8']]) {
    writeFileSync(bad, JSON.stringify({ trustedProxies: blocks }));
    await assert.rejects(Host.start({ args: ['--config', bad] }), /trustedProxies/, blocks[0]);
  }
});

test('without a geo database the country is not known, and one that is none is refused at start', async () => {
  const config = ['--config', join(files.path, 'config.json')];
  const blind = await Host.start({ args: [...config, '--geo-db', ''] });
  try {
    await blind.api('blind', [{ method: 'GET', path: '/x' }]);
    for (const [address, code] of [['8.8.8.8', null], ['10.2.3.4', 'Local']]) {
      await (await blind.mock('blind', '/x', { headers: { 'x-forwarded-for': address } })).text();
      const [record] = await blind.requests('?limit=1');
      assert.deepEqual([record.clientIp, record.geoCountry, record.geoCountryCode], [address, code, code]);
    }
    const { items } = await fresh('/admin/analytics/summary', blind);
    assert.deepEqual(items.map((i) => [i.key, i.count]), [[null, 1], ['Local', 1]]);
  } finally {
    assert.equal(await blind.stop(), 0);
  }
  for (const file of [join(files.path, 'none.mmdb'), join(files.path, 'config.json')]) {
    await assert.rejects(Host.start({ args: ['--geo-db', file] }), (error) => error.message.includes('ended with 1') && error.message.includes(file));
  }
  await assert.rejects(Host.start({ env: { GEO_CACHE_TTL_SECONDS: 'long' } }), /ended with 2 .*GEO_CACHE_TTL_SECONDS/);
});

test('a record tells everything about its request', async () => {
  await empty();
  const started = Date.now();
  await ask('/hello?a=1&b=%20', '8.8.8.8', { method: 'POST', body: 'four', headers: { 'user-agent': 'e2e/1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } });
  const [record] = await host.requests('?limit=1');
  assert.match(record.id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.match(record.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Date.parse(record.time) >= started - 1000 && Date.parse(record.time) <= Date.now() + 1000);
  assert.ok(Number.isInteger(record.durationMicros) && record.durationMicros >= 0 && record.durationMicros < 60_000_000);
  const { id, time, durationMicros, ...rest } = record;
  assert.deepEqual(rest, {
    kind: 'http', apiId: api.id, endpointId: api.endpointsByName.hello.id, method: 'POST', path: '/mock/world/hello', query: 'a=1&b=%20', status: 200,
    requestSize: 4, responseSize: 11, clientIp: '8.8.8.8', geoCountry: rest.geoCountry, geoCountryCode: 'US', geoCity: null,
    proxied: false, deduplicated: false, notModified: false, userAgent: 'e2e/1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    responseName: 'hi', error: null,
  });
  const alone = await host.admin('GET', `/admin/requests/${id}`);
  assert.deepEqual(alone.json, record);
  for (const unknown of ['01ARZ3NDEKTSV4RRFFQ69G5FAV', 'nothing']) assert.equal((await host.admin('GET', `/admin/requests/${unknown}`)).status, 404);
});

test('requestSize counts the body, whether anything read it or not', async () => {
  await empty();
  for (const args of [[], ['-H', 'Transfer-Encoding: chunked']]) {
    for (const path of ['/hello', '/kept', '/proxied']) {
      await curl('-X', path === '/hello' ? 'POST' : 'GET', ...args, '-d', 'four', `${host.url}/mock/world${path}`);
      const [record] = await host.requests('?limit=1');
      assert.deepEqual([record.status, record.requestSize], [200, 4], `${path} ${args}`);
    }
  }
});

test('the summary counts by country, status, endpoint, method and api', async () => {
  await empty();
  for (const [address, times] of [['8.8.8.8', 4], ['130.133.1.1', 2], [undefined, 1]]) {
    for (let i = 0; i < times; ++i) await ask('/hello', address, { method: 'POST', body: 'xy' });
  }
  await ask('/nowhere', '8.8.8.8');
  await ask('/cached', '133.11.0.1');
  await curl('-H', 'If-None-Match: *', '-H', 'X-Forwarded-For: 133.11.0.1', `${host.url}/mock/world/cached`);
  await ask('/kept', '8.8.8.8');
  await ask('/kept', '8.8.8.8');
  await ask('/proxied', '8.8.8.8');

  const country = await summary('?by=country');
  assert.equal(country.by, 'country');
  assert.equal(country.stale, false);
  assert.deepEqual(country.items.map((i) => [i.key, i.count]), [['US', 8], ['DE', 2], ['JP', 2], ['Local', 1]]);
  const us = country.items[0];
  assert.ok(us.name.startsWith('United States'));
  assert.equal(us.requestBytes, 8);
  const records = await host.requests('?limit=1000');
  const bytesOf = (list) => list.reduce((sum, r) => sum + r.responseSize, 0);
  assert.equal(us.responseBytes, bytesOf(records.filter((r) => r.geoCountryCode === 'US')));
  assert.deepEqual([us.proxied, us.deduplicated, us.notModified], [1, 1, 0]);
  assert.equal(country.items[2].notModified, 1);
  for (const item of [...country.items, country.total]) {
    assert.ok(item.p50Micros >= 0 && item.p50Micros <= item.p90Micros && item.p90Micros <= item.p99Micros, JSON.stringify(item));
  }
  assert.deepEqual([country.total.count, country.total.requestBytes, country.total.responseBytes], [13, 14, bytesOf(records)]);
  assert.deepEqual(await summary(''), country, 'by country is the default');

  assert.deepEqual((await summary('?by=status')).items.map((i) => [i.key, i.count]), [['200', 11], ['304', 1], ['404', 1]]);
  const { hello, cached, kept, proxied } = api.endpointsByName;
  const endpoints = Object.fromEntries((await summary('?by=endpoint')).items.map((i) => [i.key, i.count]));
  assert.deepEqual(endpoints, { [hello.id]: 7, [cached.id]: 2, [kept.id]: 2, [proxied.id]: 1, null: 1 });
  assert.deepEqual((await summary('?by=method')).items.map((i) => [i.key, i.count]), [['POST', 7], ['GET', 6]]);
  assert.deepEqual((await summary('?by=api')).items.map((i) => [i.key, i.count]), [[api.id, 13]]);
  assert.deepEqual((await summary('?by=city')).items.map((i) => [i.key, i.count]), [[null, 13]]);
  assert.deepEqual((await summary('?by=status&country=US')).items.map((i) => [i.key, i.count]), [['200', 7], ['404', 1]]);
  assert.equal((await summary(`?endpointId=${hello.id}&status=200&method=POST`)).total.count, 7);
  assert.equal((await summary('?since=2999-01-01T00:00:00Z')).total.count, 0);
});

test('percentiles are near the durations they stand for', async () => {
  await host.api('pace', [
    { name: 'fast', method: 'GET', path: '/fast' },
    { name: 'slow', method: 'GET', path: '/slow', responses: [{ delayMs: 2000 }] },
  ]);
  const id = (await host.admin('GET', '/admin/api-definitions?limit=1000')).json.items.find((a) => a.slug === 'pace').id;
  await Promise.all([...Array(17).fill('/fast'), '/slow', '/slow', '/slow'].map(async (path) => (await host.mock('pace', path)).text()));
  const { total } = await summary(`?apiId=${id}`);
  assert.equal(total.count, 20);
  assert.ok(total.p50Micros < 1_700_000, `${total.p50Micros}`);
  assert.ok(total.p90Micros > 1_700_000 && total.p99Micros > 1_700_000 && total.p99Micros < 20_000_000, JSON.stringify(total));
});

test('requests are filtered by what they are', async () => {
  await empty();
  const other = await host.api(`other-${Date.now()}`, [{ method: 'GET', path: '/o' }]);
  await ask('/hello', '8.8.8.8');
  await ask('/hello', '130.133.1.1', { method: 'PUT' });
  await ask('/kept', '8.8.8.8');
  await ask('/kept', '8.8.8.8');
  await ask('/proxied');
  await ask('/nowhere');
  await (await host.mock(other.slug, '/o')).text();
  const { hello, kept } = api.endpointsByName;
  const all = await host.requests();
  assert.deepEqual(all.map((r) => r.path.split('/').pop()), ['o', 'nowhere', 'proxied', 'kept', 'kept', 'hello', 'hello'], 'newest first');
  for (const [query, numbers] of [
    ['country=US', [3, 4, 6]], ['country=DE', [5]], ['country=Local', [0, 1, 2]], ['country=FR', []],
    ['proxied=true', [2]], ['proxied=false', [0, 1, 3, 4, 5, 6]], ['deduplicated=true', [3]],
    ['status=404', [1]], ['status=2xx', [0, 2, 3, 4, 5, 6]], ['method=PUT', [5]], ['method=get', []],
    [`apiId=${other.id}`, [0]], [`apiId=${api.id}`, [1, 2, 3, 4, 5, 6]],
    [`endpointId=${hello.id}`, [5, 6]], [`endpointId=${kept.id}&deduplicated=false`, [4]],
    [`apiId=${api.id}&country=US&status=200&method=GET`, [3, 4, 6]],
    ['since=2000-01-01T00:00:00Z', [0, 1, 2, 3, 4, 5, 6]], ['until=2000-01-01T00:00:00Z', []], ['since=2999-01-01T00:00:00.000Z', []],
  ]) {
    const found = await host.requests(`?${query}`);
    assert.deepEqual(found.map((r) => all.findIndex((a) => a.id === r.id)), numbers, query);
  }
});

test('since and until bound the time, since included and until not', async () => {
  await empty();
  for (let i = 0; i < 3; ++i) {
    await ask('/hello');
    const at = Date.now();
    await eventually(() => Date.now() > at + 1, 'another millisecond');
  }
  const all = await host.requests();
  const from = await host.requests(`?since=${all[1].time}`);
  assert.deepEqual(from.map((r) => r.id), [all[0].id, all[1].id]);
  const to = await host.requests(`?until=${all[1].time}`);
  assert.deepEqual(to.map((r) => r.id), [all[2].id]);
});

test('pages follow each other without a gap, also while requests come in', async () => {
  await empty();
  for (let i = 0; i < 25; ++i) await ask(`/hello?n=${i}`, i % 2 ? '8.8.8.8' : undefined);
  for (const [filter, numbers] of [['', Array.from({ length: 25 }, (_, i) => 24 - i)], ['country=US&', Array.from({ length: 12 }, (_, i) => 23 - 2 * i)]]) {
    const seen = [];
    let cursor = '';
    let pages = 0;
    do {
      const page = await fresh(`/admin/requests?${filter}limit=4${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      assert.ok(page.items.length <= 4);
      seen.push(...page.items.map((r) => Number(r.query.slice(2))));
      cursor = page.nextCursor;
      if (++pages === 2) await ask('/hello?n=99', '8.8.8.8');
      assert.ok(pages < 20, 'the pages end');
    } while (cursor);
    assert.deepEqual(seen.filter((n) => n !== 99), numbers, filter);
  }
});

test('reads see writes: every answer that came is in the next query', async () => {
  await empty();
  for (let i = 1; i <= 20; ++i) {
    await Promise.all(Array.from({ length: 5 }, () => ask('/hello')));
    assert.equal((await summary('')).total.count, i * 5);
  }
});

test('DELETE empties the journal', async () => {
  await ask('/hello');
  assert.equal((await carriedOut(() => host.admin('DELETE', '/admin/requests'))).status, 204);
  assert.deepEqual(await host.requests(), []);
  assert.equal((await summary('')).total.count, 0);
});

test('headers and bodies are captured where the API says so, secrets redacted', async () => {
  await empty();
  const slug = `capture-${Date.now()}`;
  await host.api(slug, [
    { method: 'POST', path: '/in', responses: [{ json: { ok: true }, headers: { 'X-Answer': 'yes', 'Set-Cookie': 'session=hidden' } }] },
    { method: 'ANY', path: '/up', proxyMode: true, proxyTarget: up.url },
  ], { capture: { requestHeaders: true, responseHeaders: true, bodies: true } });
  const headers = { 'x-ask': 'why', authorization: 'Bearer hidden', cookie: 'sid=hidden', 'proxy-authorization': 'Basic hidden', 'x-api-key': 'hidden' };
  await (await host.mock(slug, '/in', { method: 'POST', body: '{"a":"ü"}', headers })).text();
  const [record] = await host.requests('?limit=1');
  const text = JSON.stringify(record);
  assert.ok(!text.includes('hidden'), text);
  assert.ok(JSON.stringify(record.requestHeaders).includes('why'), text);
  assert.ok(/x-answer/i.test(JSON.stringify(record.responseHeaders)), text);
  assert.ok(/authorization/i.test(JSON.stringify(record.requestHeaders)), 'a redacted header is still named');
  assert.equal(record.requestBody, '{"a":"ü"}');
  assert.equal(record.responseBody, '{"ok":true}');

  await (await host.mock(slug, '/up', { method: 'POST', body: 'p'.repeat(100_000) })).text();
  const [large] = await host.requests('?limit=1');
  assert.equal(large.requestSize, 100_000);
  assert.equal(large.requestBody, 'p'.repeat(65536));
  assert.equal(large.responseBody, 'from upstream');

  await ask('/hello', undefined, { method: 'POST', body: 'x', headers });
  const [plain] = await host.requests('?limit=1');
  for (const name of ['requestHeaders', 'responseHeaders', 'requestBody', 'responseBody']) assert.ok(!(name in plain) || plain[name] === null, name);
  assert.ok(!JSON.stringify(plain).includes('hidden'));
});

test('admin, health and metrics are not journalled', async () => {
  await empty();
  for (const path of ['/healthz', '/readyz', '/metrics', '/admin/api-definitions']) {
    await host.admin('GET', path);
  }
  assert.deepEqual(await host.requests(), []);
});

test('bad questions are 400 by name, what is not there yet 501, no token 401', async () => {
  for (const [path, status, names] of [
    ['/admin/requests?colour=red', 400, 'colour'], ['/admin/requests?status=teapot', 400, 'status'], ['/admin/requests?status=999', 400, 'status'],
    ['/admin/requests?apiId=x', 400, 'apiId'], ['/admin/requests?since=yesterday', 400, 'since'], ['/admin/requests?until=2026-13-01T00:00:00Z', 400, 'until'],
    ['/admin/requests?proxied=maybe', 400, 'proxied'], ['/admin/requests?limit=0', 400, 'limit'], ['/admin/requests?limit=1001', 400, 'limit'],
    ['/admin/requests?limit=x', 400, 'limit'], ['/admin/requests?cursor=%FF', 400, 'cursor'], ['/admin/requests?q=word', 400, 'not-available'],
    ['/admin/analytics/summary?by=colour', 400, 'by'], ['/admin/analytics/summary?colour=red', 400, 'colour'],
    ['/admin/analytics/summary?since=never', 400, 'since'], ['/admin/analytics/summary?by=status&by=country', 400, 'by'],
    ['/admin/analytics/timeseries', 501, 'not-available'], ['/admin/analytics/timeseries?interval=60', 501, 'not-available'],
    ['/admin/analytics/nothing', 404, 'no-such'],
  ]) {
    const answer = await host.admin('GET', path);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.ok(answer.text.includes(names), `${path}: ${answer.text}`);
  }
  assert.equal((await host.admin('POST', '/admin/analytics/summary', {})).status, 405);
  for (const path of ['/admin/requests', '/admin/analytics/summary']) {
    const answer = await fetch(host.url + path);
    assert.equal(answer.status, 401);
    assert.ok(answer.headers.get('www-authenticate'));
    await answer.text();
  }
});
