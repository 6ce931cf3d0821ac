// The proxy: requests go to a real upstream, its answers stream back.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { get as httpGet } from 'node:http';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, curl, freePort, upstream, scratch, eventually } from './host.mjs';

let host;
let up;
const answers = new Map();  // path at the upstream -> how it answers there
before(async () => {
  host = await Host.start();
  up = await upstream((request, response, body) => {
    const answer = answers.get(new URL(request.url, 'http://up').pathname);
    if (answer) answer(request, response, body);
    else response.end(`${request.method} ${request.url}`);
  });
});
after(async () => {
  await up?.stop();
  assert.equal(await host.stop(), 0);
});

const forward = (path, fields = {}) => ({ name: path, method: 'ANY', path, proxyMode: true, proxyTarget: `${up.url}/`, ...fields });
const url = (slug, path) => `${host.url}/mock/${slug}${path}`;
const last = () => up.seen[up.seen.length - 1];
const problem = (answer) => JSON.parse(answer.body).type.replace('urn:mimus:error:', '');
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const big = Buffer.alloc(5 << 20, 'The quick brown fox, 0123456789. ');

test('an answer comes from the upstream, marked and journalled', async () => {
  const api = await host.api('tour', [forward('/hello')]);
  answers.set('/hello', (request, response) => {
    response.writeHead(203, 'Fine', { 'Content-Type': 'text/x-up', 'X-Up': ['a', 'b'] });
    response.end('hello');
  });
  const answer = await curl(url('tour', '/hello?a=1'));
  assert.equal(answer.status, 203);
  assert.equal(answer.body, 'hello');
  assert.equal(answer.headers['content-type'], 'text/x-up');
  assert.equal(answer.headers['x-up'], 'a, b');
  assert.equal(answer.headers['x-mock-proxied'], 'true');
  assert.equal(last().url, '/hello?a=1');
  assert.equal(last().headers.host, new URL(up.url).host);
  const [record] = await host.requests(`?apiId=${api.id}`);
  assert.deepEqual([record.proxied, record.deduplicated, record.status, record.responseSize, record.query, record.error],
    [true, false, 203, 5, 'a=1', null]);
});

test('a base target gets the path as it came, dot-free, and both queries', async () => {
  await host.api('base', [
    forward('/v1/*rest', { proxyTarget: `${up.url}/base/?own=1` }),
    forward('/*rest', { proxyTarget: up.url }),
  ]);
  for (const [path, sees] of [
    ['/v1/a%20b/%C3%BC', '/base/v1/a%20b/%C3%BC?own=1'],
    ['/v1/x?b=2&a=%2F', '/base/v1/x?own=1&b=2&a=%2F'],
    ['/v1/a/./b/%2e%2E/c', '/base/v1/a/c?own=1'],
    ['/v1/a%2Fb/', '/base/v1/a%2Fb/?own=1'],
    ['/plain', '/plain'],
    ['/plain?q', '/plain?q'],
    ['', '/'],
  ]) {
    const answer = await curl('--path-as-is', url('base', path));
    assert.equal(answer.body, `GET ${sees}`, path);
  }
  const climbing = await curl('--path-as-is', url('base', '/v1/../../../x'));
  assert.equal(climbing.status, 400);
});

test('an exact target has the parameters filled in, percent-encoded', async () => {
  await host.api('exact', [
    forward('/u/:id/{name}', { proxyTarget: `${up.url}/users/:id/of/{name}?v=2` }),
    forward('/t/*tail', { proxyTarget: `${up.url}/files/*tail` }),
    forward('/fixed/*any', { proxyTarget: `${up.url}/one` }),
  ]);
  for (const [path, sees] of [
    ['/u/7/Ada', '/users/7/of/Ada?v=2'],
    ['/u/a%2Fb%20c/n%C3%B6?x=1', '/users/a%2Fb%20c/of/n%C3%B6?v=2&x=1'],
    ['/u/%3Fq=1/%23', '/users/%3Fq%3D1/of/%23?v=2'],
    ['/t/a/b%20c', '/files/a/b%20c'],
    ['/fixed/a/b', '/one'],
  ]) {
    const answer = await curl(url('exact', path));
    assert.equal(answer.body, `GET ${sees}`, path);
  }
});

test('Authorization, Cookie and hop-by-hop fields stay here, all others pass', async () => {
  await host.api('fields', [forward('/f'), forward('/g', { proxyHeaders: { forward: ['authorization', 'Cookie'] } })]);
  const fields = 'Host: mock.example\r\nAuthorization: Bearer secret\r\nCookie: a=1\r\nX-Pass: p1\r\nX-Pass: p2\r\n' +
    'Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nTE: trailers\r\nProxy-Authorization: Basic x\r\nProxy-Connection: close\r\n\r\n';
  assert.match(await host.raw(`GET /mock/fields/f HTTP/1.1\r\n${fields}`), /^HTTP\/1\.1 200/);
  const { headers, rawHeaders } = last();
  for (const name of ['authorization', 'cookie', 'x-hop', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection']) {
    assert.equal(headers[name], undefined, name);
  }
  assert.equal(headers['x-pass'], 'p1, p2');
  assert.equal(headers.host, new URL(up.url).host);
  assert.ok(rawHeaders.filter((name) => name.toLowerCase() === 'host').length === 1);
  await host.raw(`GET /mock/fields/g HTTP/1.1\r\n${fields}`);
  assert.equal(last().headers.authorization, 'Bearer secret');
  assert.equal(last().headers.cookie, 'a=1');
  assert.equal(last().headers['proxy-authorization'], undefined);
});

test("hop-by-hop fields of the upstream's answer stop here", async () => {
  await host.api('back', [forward('/back')]);
  answers.set('/back', (request, response) => {
    response.socket.end('HTTP/1.1 200 OK\r\nConnection: X-Up-Hop, close\r\nX-Up-Hop: 1\r\nKeep-Alive: timeout=77\r\nProxy-Authenticate: Basic\r\nX-Pass: 1\r\nContent-Length: 2\r\n\r\nok');
  });
  const answer = await curl(url('back', '/back'));
  assert.equal(answer.body, 'ok');
  assert.equal(answer.headers['x-pass'], '1');
  for (const name of ['x-up-hop', 'proxy-authenticate']) assert.equal(answer.headers[name], undefined, name);
  assert.notEqual(answer.headers['keep-alive'], 'timeout=77');
  assert.doesNotMatch(answer.headers.connection ?? '', /X-Up-Hop/i);
});

test('remove comes first, then override, then add', async () => {
  await host.api('rules', [forward('/r', { proxyHeaders: {
    remove: ['X-Gone', 'User-Agent'], override: { 'X-One': 'mine', Authorization: 'Bearer ours' }, add: { 'X-Pass': 'more', 'X-Gone': 'again' },
  } })]);
  const answer = await curl('-H', 'X-Gone: 1', '-H', 'X-One: a', '-H', 'X-One: b', '-H', 'X-Pass: came', '-H', 'Authorization: Bearer theirs', url('rules', '/r'));
  assert.equal(answer.status, 200);
  const { headers, rawHeaders } = last();
  assert.equal(headers['user-agent'], undefined);
  assert.equal(headers['x-gone'], 'again');
  assert.equal(headers['x-one'], 'mine');
  assert.equal(headers.authorization, 'Bearer ours');
  assert.equal(headers['x-pass'], 'came, more');
  assert.equal(rawHeaders.filter((name) => name === 'X-Pass').length, 2, 'add is one more line');
});

test('bodies reach the upstream whole, with a length or in chunks', async () => {
  await host.api('post', [forward('/echo')]);
  answers.set('/echo', (request, response, body) => response.end(`${request.method} ${body.length} ${sha(body)}`));
  const file = scratch();
  try {
    writeFileSync(join(file.path, 'big'), big);
    for (const extra of [[], ['-H', 'Transfer-Encoding: chunked']]) {
      const answer = await curl('-X', 'PUT', '--data-binary', `@${join(file.path, 'big')}`, ...extra, url('post', '/echo'));
      assert.equal(answer.body, `PUT ${big.length} ${sha(big)}`);
    }
  } finally {
    file.remove();
  }
  assert.equal((await curl('-X', 'POST', url('post', '/echo'))).body, `POST 0 ${sha('')}`);
  assert.equal((await curl('-X', 'DELETE', '-d', 'x', url('post', '/echo'))).body, `DELETE 1 ${sha('x')}`);
});

test('a large answer comes with the right bytes, with a length and in chunks', async () => {
  const api = await host.api('large', [forward('/length'), forward('/chunks')]);
  answers.set('/length', (request, response) => { response.setHeader('Content-Length', big.length); response.end(big); });
  answers.set('/chunks', (request, response) => {
    for (let at = 0; at < big.length; at += 70_001) response.write(big.subarray(at, at + 70_001));
    response.end();
  });
  for (const path of ['/length', '/chunks']) {
    const bytes = Buffer.from(await (await host.mock('large', path)).arrayBuffer());
    assert.equal(bytes.length, big.length, path);
    assert.equal(sha(bytes), sha(big), path);
  }
  assert.deepEqual((await host.requests(`?apiId=${api.id}`)).map((r) => r.responseSize), [big.length, big.length]);
  const old = await host.raw('GET /mock/large/chunks HTTP/1.0\r\n\r\n');
  assert.doesNotMatch(old.slice(0, old.indexOf('\r\n\r\n')), /chunked/i, 'HTTP/1.0 knows no chunks');
  assert.equal(sha(Buffer.from(old.slice(old.indexOf('\r\n\r\n') + 4), 'latin1')), sha(big));
});

test('an answer streams: its first part is here before the upstream has the rest', async () => {
  await host.api('stream', [forward('/stream')]);
  let go;
  answers.set('/stream', (request, response) => {
    response.write('first');
    go = () => response.end(' last');
  });
  const answer = await host.mock('stream', '/stream');
  const reader = answer.body.getReader();
  const { value } = await reader.read();
  assert.equal(Buffer.from(value).toString(), 'first');
  go();
  assert.equal(Buffer.from((await reader.read()).value).toString(), ' last');
  assert.equal((await reader.read()).done, true);
});

test('HEAD, 204, 304 and early hints go through', async () => {
  await host.api('heads', [forward('/head'), forward('/none'), forward('/same'), forward('/hints'), forward('/moved')]);
  answers.set('/head', (request, response) => { response.setHeader('Content-Length', 1234); response.end(request.method === 'HEAD' ? undefined : 'x'.repeat(1234)); });
  answers.set('/none', (request, response) => { response.statusCode = 204; response.end(); });
  answers.set('/same', (request, response) => { response.writeHead(304, { ETag: '"e"' }); response.end(); });
  answers.set('/hints', (request, response) => { response.writeEarlyHints({ link: '</a.css>; rel=preload' }); response.end('hinted'); });
  answers.set('/moved', (request, response) => { response.writeHead(302, { Location: 'http://elsewhere.example/' }); response.end(); });
  const head = await curl('-I', url('heads', '/head'));
  assert.deepEqual([head.status, head.headers['content-length'], head.body, last().method], [200, '1234', '', 'HEAD']);
  assert.equal((await curl(url('heads', '/none'))).status, 204);
  const same = await curl('-H', 'If-None-Match: "e"', url('heads', '/same'));
  assert.deepEqual([same.status, same.headers.etag], [304, '"e"']);
  const hinted = await curl(url('heads', '/hints'));
  assert.deepEqual([hinted.status, hinted.body], [200, 'hinted']);
  const moved = await curl(url('heads', '/moved'));
  assert.deepEqual([moved.status, moved.headers.location], [302, 'http://elsewhere.example/'], 'redirects are the client\'s to follow');
});

test('connections to the upstream are kept, and one that it closed costs nothing', async () => {
  await host.api('kept', [forward('/kept'), forward('/closing')]);
  let made = 0;
  const count = () => { ++made; };
  up.server.on('connection', count);
  for (let i = 0; i < 20; ++i) assert.equal(await (await host.mock('kept', '/kept')).text(), 'GET /kept');
  up.server.off('connection', count);
  assert.ok(made <= 4, `${made} connections for 20 requests`);
  answers.set('/closing', (request, response) => { response.end('bye', () => request.socket.destroy()); });
  for (let i = 0; i < 20; ++i) {
    const answer = await host.mock('kept', '/closing');
    assert.deepEqual([answer.status, await answer.text()], [200, 'bye'], `request ${i}`);
  }
});

test('an upstream that takes too long is 504', async () => {
  const api = await host.api('late', [forward('/late', { proxyTimeout: 200 })]);
  answers.set('/late', () => {});
  const answer = await curl('-H', 'Origin: https://a.example', url('late', '/late'));
  assert.equal(answer.status, 504);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(problem(answer), 'upstream-timeout');
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.ok(answer.seconds >= 0.2 && answer.seconds < 25, `${answer.seconds}`);
  const [record] = await host.requests(`?apiId=${api.id}`);
  assert.deepEqual([record.status, record.error], [504, 'upstream-timeout']);
});

test('an upstream that is not there, hangs up or speaks nonsense is 502', async () => {
  const free = await freePort();
  const silent = createTcpServer((socket) => { socket.on('error', () => {}); socket.once('data', () => socket.destroy()); }).listen(0, '127.0.0.1');
  const babbling = createTcpServer((socket) => { socket.on('error', () => {}); socket.once('data', () => socket.end('SSH-2.0-nonsense\r\n\r\n')); }).listen(0, '127.0.0.1');
  await Promise.all([once(silent, 'listening'), once(babbling, 'listening')]);
  try {
    const api = await host.api('broken', [
      forward('/gone', { proxyTarget: `http://127.0.0.1:${free}/` }),
      forward('/silent', { proxyTarget: `http://127.0.0.1:${silent.address().port}/` }),
      forward('/babbling', { proxyTarget: `http://127.0.0.1:${babbling.address().port}/` }),
    ]);
    for (const path of ['/gone', '/silent', '/babbling']) {
      for (const method of ['GET', 'POST']) {
        const answer = await curl('-X', method, url('broken', path));
        assert.equal(answer.status, 502, `${method} ${path}`);
        assert.equal(problem(answer), 'upstream-unreachable', path);
      }
    }
    const records = await host.requests(`?apiId=${api.id}`);
    assert.ok(records.every((r) => r.error === 'upstream-unreachable' && r.status === 502));
    assert.equal(records.length, 6);
  } finally {
    silent.close();
    babbling.close();
  }
});

test('an upstream that bends HTTP is either understood or 502, and never believed', async () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  const rows = [  // what it says, and the status and body that come of it
    [`${ok}Connection: close\r\n\r\nuntil the end`, 200, 'until the end'],
    ['HTTP/1.0 200 OK\r\n\r\nold', 200, 'old'],
    ['HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
    ['HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
    [`${ok}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`, 200, 'ok'],
    [`${ok}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n`, 200, 'ok'],
    [`${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, 502],
    [`${ok}Content-Length: -1\r\n\r\n`, 502], [`${ok}Content-Length: 5x\r\n\r\nhello`, 502],
    ['HTTP/1.1 20 OK\r\n\r\n', 502], ['HTTP/1.1 999999 OK\r\n\r\n', 502], ['HTTP/9.9 200 OK\r\n\r\n', 502],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 502],
    [`${ok}X-Long: ${'x'.repeat(1 << 20)}\r\n\r\n`, 502], [`${ok}no colon here\r\n\r\n`, 502], [`${ok}X-A: a\0b\r\n\r\n`, 502],
    ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(5000), 502],
  ];
  let says = '';
  const bent = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(says, () => { if (!says.includes('poison')) socket.end(); }));
  }).listen(0, '127.0.0.1');
  await once(bent, 'listening');
  try {
    await host.api('bent', [forward('/bent', { proxyTarget: `http://127.0.0.1:${bent.address().port}/` })]);
    for (const [text, status, body] of rows) {
      says = text;
      const answer = await curl(url('bent', '/bent'));
      const name = JSON.stringify(text.slice(0, 70));
      assert.equal(answer.status, status, name);
      if (body === undefined) assert.equal(problem(answer), 'upstream-unreachable', name);
      else assert.equal(answer.body, body, name);
      assert.equal(answer.headers['x-trailer'], undefined);
    }
    says = `${ok}Content-Length: 5\r\n\r\nclean`;
    for (let i = 0; i < 5; ++i) assert.equal((await curl(url('bent', '/bent'))).body, 'clean');
  } finally {
    bent.close();
  }
});

test('an upstream that breaks off mid-body, or falls silent there, cuts the client off', async () => {
  await host.api('half', ['/length', '/chunks', '/stuck'].map((path) => forward(path, { proxyTarget: `${up.url}/half/`, ...(path === '/stuck' && { proxyTimeout: 3000 }) })));
  answers.set('/half/length', (request, response) => { response.setHeader('Content-Length', 1000); response.write('half', () => request.socket.destroy()); });
  answers.set('/half/chunks', (request, response) => { response.write('half', () => request.socket.destroy()); });
  answers.set('/half/stuck', (request, response) => { response.setHeader('Content-Length', 1000); response.write('half'); });
  for (const path of ['/length', '/chunks', '/stuck']) {
    const text = await host.raw(`GET /mock/half${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    if (text.startsWith('HTTP/1.1 502')) continue;  // it broke before the head had left
    assert.match(text, /^HTTP\/1\.1 200 /, path);
    assert.ok(text.includes('half'), path);
    assert.ok(!text.endsWith('0\r\n\r\n'), `${path}: an answer cut off must not look whole`);
  }
  assert.equal((await host.mock('half', '/none')).status, 404, 'the host still answers');
});

test('a client that goes away mid-stream lets the upstream go', async () => {
  const api = await host.api('away', [forward('/endless')]);
  let open = 0;
  answers.set('/endless', (request, response) => {
    ++open;
    const more = () => { while (response.write(Buffer.alloc(65536, 'x'))); };
    response.on('drain', more);
    response.on('close', () => { --open; });
    more();
  });
  const request = httpGet(url('away', '/endless'));
  const [response] = await once(request, 'response');
  await once(response, 'data');
  assert.equal(open, 1);
  request.destroy();
  await eventually(() => open === 0, 'the end of the request at the upstream');
  const look = async () => (await host.requests(`?apiId=${api.id}`))[0];
  const record = await eventually(look, 'the record');
  assert.equal(record.proxied, true);
});

test('a slow reader slows the upstream down instead of filling the memory', async () => {
  await host.api('reader', [forward('/flood')]);
  let written = 0;
  let closed = false;
  answers.set('/flood', (request, response) => {
    const piece = Buffer.alloc(1 << 20, 'y');
    const more = () => { do written += piece.length; while (response.write(piece)); };
    response.on('drain', more);
    response.on('close', () => { closed = true; });
    more();
  });
  const request = httpGet(url('reader', '/flood'));
  const [response] = await once(request, 'response');
  response.pause();
  let before = -1;  // until it stands still
  await eventually(async () => {
    if (written === before) return true;
    before = written;
    await new Promise((go) => setTimeout(go, 150));
    return false;
  }, 'the upstream standing still');
  assert.ok(written < 64 << 20, `${written} bytes were taken from the upstream`);
  request.destroy();
  await eventually(() => closed, 'the end of the flood');
});

test('forbidden targets are refused at definition, and at connect where a name hides them', async () => {
  const api = await host.api('forbidden');
  for (const target of [
    'http://169.254.169.254/latest/meta-data', 'http://[fd00:ec2::254]/', 'http://2852039166/', 'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/', 'http://user@169.254.169.254/',
    'ftp://example.com/', 'example.com', '/relative', 'http://', 'http:///x', 'http://a b/', 'http://example.com:99999/', 'http://example.com/#x', 'http://example.com/:unknown',
  ]) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, forward('/x', { proxyTarget: target }));
    assert.equal(answer.status, 400, `${target}: ${answer.text}`);
    assert.deepEqual([...new Set(answer.json.errors.map((e) => e.pointer))], ['/proxyTarget'], target);
  }
  const own = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, forward('/own', { proxyTarget: `http://127.0.0.1:${host.port}/` }));
  if (own.status === 201) {
    const answer = await curl(url('forbidden', '/own'));
    assert.deepEqual([answer.status, problem(answer)], [403, 'upstream-forbidden']);
  } else {
    assert.equal(own.status, 400);
    assert.deepEqual(own.json.errors.map((e) => e.pointer), ['/proxyTarget']);
  }
  await host.create(`/admin/api-definitions/${api.id}/endpoints`, forward('/name', { proxyTarget: `http://localhost:${host.port}/` }));
  const named = await curl(url('forbidden', '/name'));
  assert.deepEqual([named.status, problem(named)], [403, 'upstream-forbidden']);
  const [record] = await host.requests('?status=403');
  assert.equal(record.error, 'upstream-forbidden');
});

test('other nonsense in the fields is refused with its pointer', async () => {
  const api = await host.api('bad');
  for (const [fields, pointer] of [
    [{ proxyTarget: undefined }, '/proxyTarget'],
    [{ proxyTimeout: 99 }, '/proxyTimeout'], [{ proxyTimeout: 30001 }, '/proxyTimeout'], [{ proxyMode: 'on' }, '/proxyMode'],
    [{ proxyHeaders: { add: { 'bad name': 'x' } } }, '/proxyHeaders/add/bad name'],
    [{ proxyHeaders: { override: { 'X-A': 'a\r\nX-B: b' } } }, '/proxyHeaders/override/X-A'],
    [{ proxyHeaders: { override: { 'Transfer-Encoding': 'x' } } }, '/proxyHeaders/override/Transfer-Encoding'],
    [{ proxyHeaders: { remove: ['ok', 'a/b'] } }, '/proxyHeaders/remove/1'],
    [{ proxyHeaders: { drop: [] } }, '/proxyHeaders/drop'],
  ]) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, forward('/x', fields));
    assert.equal(answer.status, 400, `${JSON.stringify(fields)}: ${answer.text}`);
    assert.deepEqual(answer.json.errors.map((e) => e.pointer), [pointer], answer.text);
  }
});

test('--proxy-allow-private no, and PROXY_DEFAULT_TIMEOUT, are obeyed', async () => {
  const strict = await Host.start({ args: ['--proxy-allow-private', 'no'] });
  const hasty = await Host.start({ env: { PROXY_DEFAULT_TIMEOUT: '150' } });
  try {
    const api = await strict.api('strict');
    for (const target of [up.url, 'http://10.0.0.1/', 'http://[::1]/', 'http://192.168.1.1:8080/x', 'http://0.0.0.0/', 'http://169.254.1.1/']) {
      const answer = await strict.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, forward('/x', { proxyTarget: target }));
      assert.equal(answer.status, 400, target);
      assert.deepEqual(answer.json.errors.map((e) => e.pointer), ['/proxyTarget']);
    }
    const port = new URL(up.url).port;
    await strict.create(`/admin/api-definitions/${api.id}/endpoints`, forward('/name', { proxyTarget: `http://localhost:${port}/` }));
    const seen = up.seen.length;
    const answer = await curl(`${strict.url}/mock/strict/name`);
    assert.deepEqual([answer.status, problem(answer)], [403, 'upstream-forbidden']);
    assert.equal(up.seen.length, seen);

    answers.set('/hasty', () => {});
    await hasty.api('hasty', [forward('/hasty')]);
    const late = await curl(`${hasty.url}/mock/hasty/hasty`);
    assert.equal(late.status, 504);
    assert.ok(late.seconds >= 0.15 && late.seconds < 25, `${late.seconds}`);
  } finally {
    assert.deepEqual([await strict.stop(), await hasty.stop()], [0, 0]);
  }
});

test('an HTTPS upstream is trusted by SSL_CERT_FILE, and a stranger or a wrong name is not', async () => {
  const files = scratch();
  const at = (name) => join(files.path, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=e2e CA', '-addext', 'basicConstraints=critical,CA:TRUE');
  const issue = (name, san) => {
    writeFileSync(at(`${name}.ext`), `subjectAltName=${san}\n`);
    openssl('req', '-new', ...key.slice(0, 4), '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-nodes', '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`));
  };
  issue('right', 'DNS:localhost,IP:127.0.0.1');
  issue('wrong', 'DNS:elsewhere.example');
  openssl('req', '-x509', ...key, '-keyout', at('stranger.key'), '-out', at('stranger.pem'), '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost');
  const servers = {};
  for (const name of ['right', 'wrong', 'stranger']) {
    servers[name] = createTlsServer({ key: readFileSync(at(`${name}.key`)), cert: readFileSync(at(`${name}.pem`)) },
      (request, response) => response.end(`secure ${request.url} ${request.headers.host}`));
    servers[name].on('tlsClientError', () => {});
    servers[name].listen(0, '127.0.0.1');
    await once(servers[name], 'listening');
  }
  const port = (name) => servers[name].address().port;
  const trusting = await Host.start({ env: { SSL_CERT_FILE: at('ca.pem') } });
  try {
    await trusting.api('tls', [
      forward('/name', { proxyTarget: `https://localhost:${port('right')}/` }),
      forward('/address', { proxyTarget: `https://127.0.0.1:${port('right')}/` }),
      forward('/wrong', { proxyTarget: `https://localhost:${port('wrong')}/` }),
      forward('/stranger', { proxyTarget: `https://localhost:${port('stranger')}/` }),
      forward('/plain', { proxyTarget: `http://localhost:${port('right')}/` }),
    ]);
    for (const [path, name] of [['/name', 'localhost'], ['/address', '127.0.0.1'], ['/name', 'localhost']]) {
      const answer = await curl(`${trusting.url}/mock/tls${path}`);
      assert.deepEqual([answer.status, answer.body], [200, `secure ${path} ${name}:${port('right')}`]);
      assert.equal(answer.headers['x-mock-proxied'], 'true');
    }
    for (const path of ['/wrong', '/stranger']) {
      const answer = await curl(`${trusting.url}/mock/tls${path}`);
      assert.deepEqual([answer.status, problem(answer)], [502, 'upstream-unreachable'], path);
    }
    assert.ok([400, 502].includes((await curl(`${trusting.url}/mock/tls/plain`)).status));
  } finally {
    assert.equal(await trusting.stop(), 0);
    for (const server of Object.values(servers)) { server.closeAllConnections(); server.close(); }
    files.remove();
  }
});
