// The CDN feature: Cache-Control and ETag, and 304 for those who have the answer already.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Host, curl, upstream } from './host.mjs';

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

const md5 = (text) => `"${createHash('md5').update(text).digest('hex')}"`;
const url = (slug, path) => `${host.url}/mock/${slug}${path}`;
const cached = (path, response, fields = {}) =>
  ({ name: path, method: 'GET', path, cacheEnabled: true, responses: [response], ...fields });

test('curl -I shows Cache-Control and ETag', async () => {
  await host.api('tour', [cached('/logo', { body: 'the logo' })]);
  const head = await curl('-I', url('tour', '/logo'));
  assert.equal(head.status, 200);
  assert.equal(head.headers['cache-control'], 'public, max-age=3600');
  assert.equal(head.headers.etag, md5('the logo'));
  assert.equal(head.headers['content-length'], '8');
  assert.equal(head.body, '');
  const whole = await curl(url('tour', '/logo'));
  assert.equal(whole.headers.etag, head.headers.etag);
  assert.equal(whole.headers['cache-control'], head.headers['cache-control']);
  assert.equal(whole.body, 'the logo');
});

test('cacheTTL and cacheControl are told as they were defined', async () => {
  await host.api('ttl', [
    cached('/private', { json: { a: 1.0 } }, { cacheControl: 'private', cacheTTL: 60 }),
    cached('/zero', { body: '' }, { cacheTTL: 0 }),
  ]);
  const own = await curl(url('ttl', '/private'));
  assert.equal(own.headers['cache-control'], 'private, max-age=60');
  assert.equal(own.headers.etag, md5(own.body));
  const zero = await curl(url('ttl', '/zero'));
  assert.equal(zero.headers['cache-control'], 'public, max-age=0');
  assert.equal(zero.headers.etag, md5(''));
});

test('who has the answer gets 304, with what a cache needs and nothing else, and the journal says so', async () => {
  await host.api('again', [cached('/a', { body: 'abc', headers: { Vary: 'Accept-Language' } })]);
  for (const tag of [md5('abc'), `W/${md5('abc')}`, `"other", ${md5('abc')}`, '*']) {
    const answer = await curl('-H', `If-None-Match: ${tag}`, '-H', 'Origin: https://app.example', url('again', '/a'));
    assert.equal(answer.status, 304, tag);
    assert.equal(answer.body, '');
    assert.equal(answer.headers.etag, md5('abc'));
    assert.equal(answer.headers['cache-control'], 'public, max-age=3600');
    assert.match(answer.headers.vary, /Accept-Language/);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.headers['content-type'], undefined);
  }
  const head = await curl('-I', '-H', `If-None-Match: ${md5('abc')}`, url('again', '/a'));
  assert.equal(head.status, 304);
  const other = await curl('-H', 'If-None-Match: "stale"', url('again', '/a'));
  assert.equal(other.status, 200);
  assert.equal(other.body, 'abc');
  const records = await host.requests('?limit=6');
  assert.deepEqual(records.map((r) => [r.status, r.notModified, r.responseSize]),
    [[200, false, 3], [304, true, 0], [304, true, 0], [304, true, 0], [304, true, 0], [304, true, 0]]);
});

test('a connection stays usable after a 304', async () => {
  await host.api('keep', [cached('/a', { body: 'abc' })]);
  const one = `GET /mock/keep/a HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${md5('abc')}\r\n`;
  const text = await host.raw(`${one}\r\n${one}Connection: close\r\n\r\n`);
  assert.equal(text.match(/HTTP\/1\.1 304/g)?.length, 2, text);
});

test('If-Modified-Since counts where a Last-Modified exists and no If-None-Match came', async () => {
  const at = 'Wed, 01 Jan 2025 10:00:00 GMT';
  await host.api('dated', [
    cached('/dated', { body: 'd', headers: { 'Last-Modified': at } }),
    cached('/undated', { body: 'u' }),
  ]);
  const status = async (path, ...args) => (await curl(...args, url('dated', path))).status;
  assert.equal(await status('/dated', '-H', `If-Modified-Since: ${at}`), 304);
  assert.equal(await status('/dated', '-H', 'If-Modified-Since: Wed, 01 Jan 2025 09:59:59 GMT'), 200);
  assert.equal(await status('/dated', '-H', `If-Modified-Since: ${at}`, '-H', 'If-None-Match: "no"'), 200);
  assert.equal(await status('/dated', '-H', 'If-Modified-Since: yesterday'), 200);
  assert.equal(await status('/undated', '-H', `If-Modified-Since: ${at}`), 200);
});

test('POST and answers that no cache keeps are left alone', async () => {
  await host.api('leave', [
    { ...cached('/post', { body: 'p' }), method: 'POST' },
    cached('/teapot', { status: 418, body: 't' }),
    cached('/broken', { status: 500, body: 'b' }),
    cached('/cookie', { body: 'c', headers: { 'Set-Cookie': 'a=b' } }),
    { method: 'GET', path: '/off', responses: [{ body: 'o' }] },
  ]);
  for (const [path, ...args] of [['/post', '-X', 'POST'], ['/teapot'], ['/broken'], ['/cookie'], ['/off']]) {
    const answer = await curl(...args, '-H', 'If-None-Match: *', url('leave', path));
    assert.notEqual(answer.status, 304, path);
    assert.equal(answer.headers.etag, undefined, path);
    assert.equal(answer.headers['cache-control'], undefined, path);
    assert.notEqual(answer.body, '', path);
  }
});

test('every cacheable status gets the fields', async () => {
  const statuses = [200, 203, 301, 308, 404, 410];
  await host.api('statuses', statuses.map((status) => cached(`/${status}`, { status, body: `${status}` })));
  for (const status of statuses) {
    const answer = await curl(url('statuses', `/${status}`));
    assert.equal(answer.status, status);
    assert.equal(answer.headers['cache-control'], 'public, max-age=3600', `${status}`);
    assert.equal(answer.headers.etag, md5(`${status}`), `${status}`);
  }
});

test("the mock's own ETag and Cache-Control win", async () => {
  await host.api('own', [cached('/a', { body: 'abc', headers: { ETag: '"mine"', 'Cache-Control': 'no-cache' } })]);
  const answer = await curl(url('own', '/a'));
  assert.equal(answer.headers.etag, '"mine"');
  assert.equal(answer.headers['cache-control'], 'no-cache');
  assert.equal((await curl('-H', 'If-None-Match: "mine"', url('own', '/a'))).status, 304);
  assert.equal((await curl('-H', `If-None-Match: ${md5('abc')}`, url('own', '/a'))).status, 200);
});

test("an upstream's answer is tagged, and 304 spares the client its body", async () => {
  const up = await upstream((request, response) => {
    if (request.url === '/own') response.setHeader('ETag', '"up"');
    response.end(request.url === '/big' ? Buffer.alloc(3 << 20, 'b') : 'from upstream');
  });
  try {
    await host.api('up', ['/a', '/own', '/big'].map((path) => ({ method: 'GET', path, cacheEnabled: true, proxyMode: true, proxyTarget: up.url })));
    const answer = await curl(url('up', '/a'));
    assert.equal(answer.headers.etag, md5('from upstream'));
    assert.equal(answer.headers['cache-control'], 'public, max-age=3600');
    assert.equal(answer.headers['x-mock-proxied'], 'true');
    const again = await curl('-H', `If-None-Match: ${md5('from upstream')}`, url('up', '/a'));
    assert.equal(again.status, 304);
    assert.equal(again.body, '');
    assert.equal((await curl(url('up', '/own'))).headers.etag, '"up"');
    const big = await curl(url('up', '/big'));
    assert.equal(big.headers.etag, undefined, 'a body beyond the ceiling gets no ETag');
    assert.equal(big.headers['cache-control'], 'public, max-age=3600');
    assert.equal(big.body.length, 3 << 20);
  } finally {
    await up.stop();
  }
});

test('nonsense is refused with its pointer', async () => {
  const api = await host.api('bad');
  for (const [fields, pointer] of [
    [{ cacheEnabled: 'yes' }, '/cacheEnabled'], [{ cacheTTL: -1 }, '/cacheTTL'], [{ cacheTTL: 31536001 }, '/cacheTTL'],
    [{ cacheTTL: 1.5 }, '/cacheTTL'], [{ cacheControl: 'no-store' }, '/cacheControl'],
  ]) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: '/x', ...fields });
    assert.equal(answer.status, 400, JSON.stringify(fields));
    assert.deepEqual(answer.json.errors.map((e) => e.pointer), [pointer]);
  }
  const none = { method: 'GET', path: '/none', cacheTTL: 31536000, cacheEnabled: true };
  await host.create(`/admin/api-definitions/${api.id}/endpoints`, none);
  const strange = await curl('-H', 'If-None-Match: "unclosed, \\', url('bad', '/none'));
  assert.equal(strange.status, 200);
});
