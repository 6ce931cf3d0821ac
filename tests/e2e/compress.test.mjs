// Compression: gzip and br for clients that ask for it, with the caches around it kept right.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Host, curl, upstream } from './host.mjs';

let host;
let up;
before(async () => {
  up = await upstream((request, response) => {
    const kind = request.url.slice(1);
    const type = { events: 'text/event-stream', picture: 'image/png' }[kind] ?? 'text/plain';
    const head = { 'Content-Type': type, ETag: '"own"' };
    let body = kind === 'large' ? prose.repeat(2000) : prose;
    if (kind === 'coded') {
      body = brotliCompressSync(prose);
      head['Content-Encoding'] = 'br';
    }
    if (kind === 'part') head['Content-Range'] = `bytes 0-${body.length - 1}/${body.length}`;
    if (kind !== 'chunked') head['Content-Length'] = body.length;
    response.writeHead(kind === 'part' ? 206 : 200, head);
    if (kind === 'chunked') response.write(body);
    response.end(body);
  });
  host = await Host.start({ workers: 1 });
});
after(async () => {
  await up?.stop();
  assert.equal(await host.stop(), 0);
});

const prose = 'All work and no play makes Jack a dull boy. '.repeat(30);
const decode = { gzip: gunzipSync, br: brotliDecompressSync };
const url = (slug, path) => `${host.url}/mock/${slug}${path}`;
const compressed = (path, fields = {}) =>
  ({ name: path, method: 'GET', path, compress: true, responses: [{ body: prose }], ...fields });
const accept = (codings) => ['-H', `Accept-Encoding: ${codings}`];

/** Asserts that `answer` (of curl) has `text` in that coding, and the right length. */
function assertCoded(answer, coding, text = prose) {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-encoding'], coding);
  assert.match(answer.headers.vary ?? '', /Accept-Encoding/);
  const bytes = Buffer.from(answer.body, 'latin1');
  assert.equal(answer.headers['content-length'], `${bytes.length}`);
  assert.equal(coding ? decode[coding](bytes).toString() : bytes.toString(), text);
  if (coding) assert.ok(bytes.length < text.length / 4, `${bytes.length}`);
}
/** A header's fields but for those that differ by time. */
const fields = ({ headers: { date, age, ...rest } }) => rest;

test('curl --compressed and fetch read it, and it is off by default', async () => {
  await host.api('tour', [compressed('/on'), compressed('/off', { compress: false }), compressed('/unsaid', { compress: undefined })]);
  const answer = await curl('--compressed', url('tour', '/on'));
  assert.equal(answer.headers['content-encoding'], 'br');
  assert.equal(answer.body, prose);
  const fetched = await host.mock('tour', '/on', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(fetched.headers.get('content-encoding'), 'gzip');
  assert.equal(await fetched.text(), prose);
  for (const path of ['/off', '/unsaid']) {
    const plain = await curl('--compressed', url('tour', path));
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(plain.headers.vary, undefined);
    assert.equal(plain.body, prose);
  }
});

test('what Accept-Encoding says is done, whatever it says', async () => {
  await host.api('asked', [compressed('/a')]);
  for (const [codings, want] of [
    ['gzip', 'gzip'], ['br', 'br'], ['gzip, deflate, br, zstd', 'br'], ['br;q=0.5, gzip;q=0.8', 'gzip'], ['*', 'br'],
    ['*, br;q=0', 'gzip'], ['GZIP', 'gzip'], ['identity', undefined], ['gzip;q=0', undefined], ['deflate', undefined],
    ['identity;q=0, gzip;q=0.1', 'gzip'], [';;,=,"gzip";q=', undefined], ['gzip;q=9', undefined],
    ['\u00e9'.repeat(50), undefined], [`${'a,'.repeat(2000)}br`, 'br'],
  ]) {
    assertCoded(await curl(...accept(codings), url('asked', '/a')), want);
  }
  assertCoded(await curl(...accept('gzip;q=0.5'), ...accept('br'), url('asked', '/a')), 'br');
  const bare = await host.raw('GET /mock/asked/a HTTP/1.0\r\n\r\n');
  assert.ok(bare.endsWith(prose), bare.slice(0, 500));
  assert.match(bare, /\r\nVary: Accept-Encoding\r\n/);
});

test('HEAD has the header fields of GET', async () => {
  await host.api('head', [compressed('/a', { cacheEnabled: true })]);
  for (const codings of ['gzip', 'br', 'identity']) {
    const get = await curl(...accept(codings), url('head', '/a'));
    const head = await curl('-I', ...accept(codings), url('head', '/a'));
    assert.equal(head.body, '');
    assert.deepEqual(fields(head), fields(get));
  }
});

test('each coding has a strong tag of its own, and gets 304 for that one', async () => {
  await host.api('tags', [
    compressed('/cdn', { cacheEnabled: true }),
    compressed('/own', { cacheEnabled: true, responses: [{ body: prose, headers: { ETag: '"abc"' } }] }),
    compressed('/weak', { cacheEnabled: true, responses: [{ body: prose, headers: { ETag: 'W/"abc"' } }] }),
  ]);
  const tags = {};
  for (const path of ['/cdn', '/own']) {
    tags[path] = {};
    for (const coding of ['gzip', 'br', 'identity']) {
      const { headers } = await curl(...accept(coding), url('tags', path));
      tags[path][coding] = headers.etag;
      assert.match(headers.etag, /^"[^"]+"$/);
    }
    assert.equal(new Set(Object.values(tags[path])).size, 3, JSON.stringify(tags));
    for (const coding of ['gzip', 'br', 'identity']) {
      for (const known of ['gzip', 'br', 'identity']) {
        const again = await curl(...accept(coding), '-H', `If-None-Match: ${tags[path][known]}`, url('tags', path));
        assert.equal(again.status, known === coding ? 304 : 200, `${path}: ${coding} with the tag of ${known}`);
        assert.equal(again.headers.etag, tags[path][coding]);
        assert.match(again.headers.vary, /Accept-Encoding/);
        if (again.status !== 304) continue;
        assert.equal(again.body, '');
        assert.equal(again.headers['content-encoding'], undefined);
        assert.equal(again.headers['cache-control'], 'public, max-age=3600');
      }
    }
  }
  assert.deepEqual(tags['/own'], { gzip: '"abc-gzip"', br: '"abc-br"', identity: '"abc"' });
  for (const codings of ['gzip', 'identity']) {
    const weak = await curl(...accept(codings), '-H', 'If-None-Match: W/"abc"', url('tags', '/weak'));
    assert.equal(weak.status, 304);
    assert.equal(weak.headers.etag, 'W/"abc"');
  }
});

test('with caching and deduplication one kept answer serves every coding', async () => {
  await host.api('all', [compressed('/a', { cacheEnabled: true, deduplication: true, responses: [{ body: prose, delayMs: 50 }] })]);
  const first = await curl(...accept('br'), url('all', '/a'));
  assertCoded(first, 'br');
  assert.equal(first.headers['x-mock-deduplicated'], undefined);
  for (const coding of ['gzip', undefined, 'br']) {
    const again = await curl(...accept(coding ?? 'identity'), url('all', '/a'));
    assertCoded(again, coding);
    assert.equal(again.headers['x-mock-deduplicated'], 'true');
  }
  const known = await curl(...accept('br'), '-H', `If-None-Match: ${first.headers.etag}`, url('all', '/a'));
  assert.equal(known.status, 304);
  assert.equal(known.headers.etag, first.headers.etag);
  const [last] = await host.requests('?limit=1');
  assert.deepEqual([last.status, last.notModified, last.deduplicated], [304, true, true]);
});

test('an upstream\'s answer is coded where it is not, and passes where it may not be', async () => {
  const api = (path, more = {}) => ({ ...compressed(path), method: 'ANY', proxyMode: true, proxyTarget: `${up.url}/`, ...more });
  await host.api('proxied', ['/plain', '/chunked', '/coded', '/part', '/large', '/events', '/picture'].map((path) => api(path))
    .concat([{ ...api('/plain-cached'), proxyTarget: `${up.url}/plain`, cacheEnabled: true }]));
  const plain = await curl(...accept('gzip'), url('proxied', '/plain'));
  assertCoded(plain, 'gzip');
  assert.equal(plain.headers.etag, '"own-gzip"');
  assert.equal(plain.headers['x-mock-proxied'], 'true');
  assertCoded(await curl(...accept('br'), url('proxied', '/chunked')), 'br', prose + prose);

  const coded = await curl(...accept('gzip, br'), url('proxied', '/coded'));
  assertCoded(coded, 'br');
  assert.equal(coded.headers.etag, '"own"');
  for (const [path, size] of [['/part', prose.length], ['/large', prose.length * 2000], ['/events', prose.length], ['/picture', prose.length]]) {
    const passed = await curl(...accept('gzip, br'), url('proxied', path));
    assert.equal(passed.headers['content-encoding'], undefined, path);
    assert.equal(passed.body.length, size, path);
    assert.match(passed.headers.vary, /Accept-Encoding/);
  }

  const head = await curl('-I', ...accept('gzip'), url('proxied', '/plain'));
  const { 'content-length': length, ...rest } = fields(plain);
  const { 'transfer-encoding': framing, ...told } = fields(head);
  assert.deepEqual(told, rest, 'HEAD is GET but for the length, which only coding tells');
  const unknown = await curl('-I', ...accept('gzip'), url('proxied', '/chunked'));
  assert.equal(unknown.headers.etag, undefined);

  const known = await curl(...accept('gzip'), '-H', 'If-None-Match: "own-gzip"', url('proxied', '/plain-cached'));
  assert.equal(known.status, 304);
  assert.equal(known.headers.etag, '"own-gzip"');
});

test('what does not change is coded once, and the journal shows what was coded', async () => {
  await host.api('kept', [compressed('/a', { responses: [{ body: `${prose}once` }] })], { capture: { bodies: true, responseHeaders: true } });
  const counters = async () => {
    const text = await (await fetch(`${host.url}/metrics`, { headers: { authorization: `Bearer ${host.token}` } })).text();
    return ['answers', 'reused'].map((name) => Number(new RegExp(`^mimus_compress_${name}_total (\\d+)`, 'm').exec(text)[1]));
  };
  const before = await counters();
  let size;
  for (let i = 0; i < 3; ++i) size = (await curl(...accept('gzip'), url('kept', '/a'))).headers['content-length'];
  const later = await counters();
  assert.deepEqual([later[0] - before[0], later[1] - before[1]], [3, 2]);
  const [listed] = await host.requests('?limit=1');
  const { json: record } = await host.admin('GET', `/admin/requests/${listed.id}`);
  assert.equal(`${record.responseSize}`, size);
  assert.equal(record.responseBody, `${prose}once`);
});

test('a pipeline of clients that ask differently gets its answers in order', async () => {
  await host.api('mixed', [compressed('/a')]);
  const ask = (codings, more = '') => `GET /mock/mixed/a HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${codings}\r\n${more}\r\n`;
  const text = await host.raw(ask('gzip') + ask('identity') + ask('br') + ask('gzip', 'Connection: close\r\n'));
  const codings = text.split('HTTP/1.1 200').slice(1).map((answer) => /Content-Encoding: (\w+)/.exec(answer)?.[1]);
  assert.deepEqual(codings, ['gzip', undefined, 'br', 'gzip']);
});

test('the field is a boolean', async () => {
  const api = await host.api('field');
  const refused = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: '/a', compress: 'gzip' });
  assert.equal(refused.status, 400);
  assert.equal(refused.json.errors[0].pointer, '/compress');
});
