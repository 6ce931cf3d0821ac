// HTTP/1.x to the byte, over raw sockets: order, framing, refusals, limits and timeouts.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, scratch } from './host.mjs';
import { answersIn } from './check.mjs';

const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const last = 'Connection: close\r\n';

let host;
before(async () => {
  host = await Host.start();
  await host.api('h', [
    { method: 'GET', path: '/n/:n', responses: [{ body: 'n', headers: { 'X-N': 'n' } }] },
    { method: 'GET', path: '/slow', responses: [{ body: 'slow', delayMs: 60 }] },
    { method: 'ANY', path: '/any', responses: [{ body: 'any' }] },
    { method: 'POST', path: '/post', responses: [
      { body: 'hello', when: { in: 'body', pointer: '/a', op: 'equals', value: 1 } }, { body: 'other', default: true }] },
    ...Array.from({ length: 50 }, (_, i) => ({ method: 'GET', path: `/p${i}`, responses: [{ body: `answer ${i}`, delayMs: i % 7 === 0 ? 40 : 0 }] })),
  ]);
});
after(async () => { assert.equal(await host.stop(), 0); });

test('fifty pipelined requests, delayed ones between, are answered in order', async () => {
  let bytes = '';
  for (let i = 0; i < 50; ++i) bytes += get(`/mock/h/p${i}`, i === 49 ? last : '');
  const answers = answersIn(await host.raw(bytes));
  assert.deepEqual(answers.map((answer) => answer.body), Array.from({ length: 50 }, (_, i) => `answer ${i}`));
  assert.ok(answers.every((answer) => answer.status === 200));
});

test('a request that comes byte by byte is understood', async () => {
  const socket = connect(host.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  const closed = once(socket, 'close');
  for (const byte of `POST /mock/h/post HTTP/1.1\r\nHost: x\r\n${last}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nT: x\r\n\r\n`) {
    socket.write(byte);
    await new Promise(setImmediate);
  }
  await closed;
  assert.deepEqual(answersIn(text).map((answer) => [answer.status, answer.body]), [[200, 'hello']]);
});

test('a connection is kept alive until either side says close', async () => {
  const both = answersIn(await host.raw(get('/mock/h/any') + get('/mock/h/any', last) + get('/mock/h/any')));
  assert.equal(both.length, 2, 'after close nothing more is answered');
  assert.doesNotMatch(both[0].headers.connection ?? '', /close/i);
  assert.match(both[1].headers.connection, /close/i);
});

test('HTTP/1.0 closes after the answer, or keeps alive when asked', async () => {
  const [one, ...none] = answersIn(await host.raw('GET /mock/h/any HTTP/1.0\r\n\r\nGET /mock/h/any HTTP/1.0\r\n\r\n'));
  assert.equal(one.status, 200);
  assert.equal(one.body, 'any');
  assert.deepEqual(none, []);
  const kept = answersIn(await host.raw('GET /mock/h/any HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /mock/h/any HTTP/1.0\r\n\r\n'));
  assert.equal(kept.length, 2);
  assert.match(kept[0].headers.connection, /keep-alive/i);
});

test('HEAD has the head of GET and no body, in the middle of a pipeline too', async () => {
  const text = await host.raw(`HEAD /mock/h/any HTTP/1.1\r\nHost: x\r\n\r\n${get('/mock/h/any', last)}`);
  const end = text.indexOf('\r\n\r\n') + 4;
  const [head] = answersIn(text.slice(0, end), { heads: true });
  const [full] = answersIn(text.slice(end));
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], '3');
  assert.equal(full.body, 'any');
  for (const [name, value] of Object.entries(full.headers)) {
    if (name !== 'date' && name !== 'connection') assert.equal(head.headers[name], value, name);
  }
});

test('request bodies come by length or in chunks, and what follows is the next request', async () => {
  const json = 'Content-Type: application/json\r\n';
  const rows = [
    `POST /mock/h/post HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 7\r\n\r\n{"a":1}`,
    `POST /mock/h/post HTTP/1.1\r\nHost: x\r\n${json}Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n`,
    `POST /mock/h/post HTTP/1.1\r\nHost: x\r\n${json}Transfer-Encoding: CHUNKED\r\n\r\n1\r\n{\r\n06;ext="v"\r\n"a":1}\r\n000\r\nTrailer: t\r\n\r\n`,
    `POST /mock/h/post HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 0\r\n\r\n`,
    `POST /mock/h/any HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n`,
    `POST /mock/h/any HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
    get('/mock/h/any', last),
  ];
  const answers = answersIn(await host.raw(rows.join('')));
  assert.deepEqual(answers.map((answer) => answer.body), ['hello', 'hello', 'hello', 'other', 'any', 'any', 'any']);
});

test('Expect: 100-continue is answered before the body is sent', async () => {
  const socket = connect(host.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  socket.write('POST /mock/h/post HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n');
  while (!text.includes('\r\n\r\n')) await once(socket, 'data');
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  socket.write('{"a":1}');
  await once(socket, 'close');
  assert.deepEqual(answersIn(text).map((answer) => answer.status), [100, 200]);
});

test('malformed requests are 400 problems that close the connection, and what follows them is not answered', async () => {
  const next = get('/mock/h/any');
  const rows = {
    'two Host fields': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'no Host field': 'GET / HTTP/1.1\r\n\r\n',
    'a bad Host': 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    'both length and chunks': 'POST /mock/h/any HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': 'POST /mock/h/any HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'a signed length': 'POST /mock/h/any HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde',
    'a length list': 'POST /mock/h/any HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nabcde',
    'a huge length': 'POST /mock/h/any HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
    'a space before the colon': 'GET / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n',
    'a folded line': 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n',
    'a field without colon': 'GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n',
    'a bad field name': 'GET / HTTP/1.1\r\nHost: x\r\nX(A): b\r\n\r\n',
    'a NUL in a value': 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n',
    'a lone CR in a value': 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\rc\r\n\r\n',
    'no version': 'GET /\r\nHost: x\r\n\r\n',
    'a space in the target': 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
    'a bad method': 'G@T / HTTP/1.1\r\nHost: x\r\n\r\n',
    'no request at all': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n',
    'a path that climbs out': `GET /mock/h/../../admin HTTP/1.1\r\nHost: x\r\n${last}\r\n`,
  };
  const wrong = [];
  for (const [name, bytes] of Object.entries(rows)) {
    const answers = answersIn(await host.raw(Buffer.from(bytes + next, 'latin1')));
    const [one] = answers;
    if (answers.length !== 1 || one.status !== 400 || !/close/i.test(one.headers.connection ?? '') ||
        one.headers['content-type'] !== 'application/problem+json' || JSON.parse(one.body).status !== 400) {
      wrong.push(`${name}: ${answers.map((answer) => answer.line)} ${JSON.stringify(one?.headers)} ${one?.body}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('a bad chunk closes the connection with 400 and never lets the rest be a request', async () => {
  for (const chunk of ['xyz\r\nabc\r\n', '-1\r\na\r\n', '3\r\nabcdef\r\n', '1\r\naX\r\n', 'ffffffffffffffffff\r\n', '3\nabc\r\n', '3 x\r\nabc\r\n']) {
    const text = await host.raw(`POST /mock/h/post HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n${get('/mock/h/any')}`);
    const answers = answersIn(text);
    assert.equal(answers.length, 1, `${JSON.stringify(chunk)}: ${text}`);
    assert.equal(answers[0].status, 400, JSON.stringify(chunk));
    assert.match(answers[0].headers.connection, /close/i);
  }
});

test('codings that we do not know are 501, and another version is 505', async () => {
  const [coded] = answersIn(await host.raw(`POST /mock/h/any HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`));
  assert.ok([400, 501].includes(coded.status), coded.line);
  const [version] = answersIn(await host.raw('GET / HTTP/3.0\r\nHost: x\r\n\r\n'));
  assert.ok([400, 505].includes(version.status), version.line);
});

test('the absolute form of a target is taken', async () => {
  const [answer] = answersIn(await host.raw(`GET http://elsewhere.test/mock/h/any HTTP/1.1\r\nHost: x\r\n${last}\r\n`));
  assert.equal(answer.body, 'any');
});

test('healthz and readyz say ok, metrics are Prometheus text', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const answer = await fetch(host.url + path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(await answer.text(), '{"status":"ok"}');
    const wrong = await fetch(host.url + path, { method: 'POST' });
    assert.equal(wrong.status, 405);
    assert.match(wrong.headers.get('allow'), /GET/);
  }
  const metrics = await fetch(`${host.url}/metrics`, { headers: { authorization: 'Bearer e2e-token' } });
  assert.equal(metrics.status, 200);
  assert.match(metrics.headers.get('content-type'), /^text\/plain/);
  const lines = (await metrics.text()).trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^(# (HELP|TYPE) mimus_\w+ .+|mimus_\w+(\{[^}]*\})? -?[\d.]+(e[+-]?\d+)?)$/, line);
  assert.equal((await fetch(`${host.url}/metrics`)).status, 401);
});

test('small limits of the config file hold: 414, 431, 413 and 400', async () => {
  const directory = scratch();
  const file = join(directory.path, 'mimus.json');
  writeFileSync(file, JSON.stringify({ maxUriBytes: 100, maxHeaderBytes: 1000, maxHeaders: 10, maxBodyBytes: 50, maxQueryKeys: 3, maxJsonDepth: 5 }));
  const small = await Host.start({ args: ['--config', file] });
  const made = await small.admin('PUT', '/admin/definitions', '{"apis":[]}');
  assert.equal(made.status, 200, made.text);
  const api = await small.create('/admin/api-definitions', { slug: 's' });
  const url = `/admin/api-definitions/${api.id}/endpoints`;
  await small.create(url, { method: 'ANY', path: '/*p' });
  await small.create(url, { method: 'POST', path: '/b', deduplication: true });
  const rows = [
    [get(`/mock/s/${'a'.repeat(92)}`), 200],
    [get(`/mock/s/${'a'.repeat(93)}`), 414],
    [get(`/mock/s/${'a'.repeat(5000)}`), 414],
    [get('/mock/s/a', `X: ${'a'.repeat(1000)}\r\n`), 431],
    [get('/mock/s/a', 'A: b\r\n'.repeat(9)), 200],
    [get('/mock/s/a', 'A: b\r\n'.repeat(10)), 431],
    [get('/mock/s/a?a&b&c'), 200],
    [get('/mock/s/a?a&b&c&d'), 400],
    [`POST /mock/s/b HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n${'a'.repeat(50)}`, 200],
    ['POST /mock/s/b HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\n\r\n', 413],
    [`POST /mock/s/b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n33\r\n${'a'.repeat(51)}\r\n0\r\n\r\n`, 413],
  ];
  for (const [bytes, status] of rows) {
    const text = await small.raw(bytes, { until: /\r\n\r\n/ });
    const [, got] = text.split(' ');
    assert.equal(Number(got), status, `${bytes.slice(0, 60)}…: ${text.slice(0, 100)}`);
    if (status >= 400 && text.includes('problem+json')) assert.match(text, /\r\ncontent-type: application\/problem\+json\r\n/i);
  }
  const deep = await small.admin('POST', url, '{"method":"GET","path":"/","responses":[{"json":[[[]]]}]}');
  assert.equal(deep.status, 400, deep.text);
  assert.equal((await fetch(`${small.url}/healthz`)).status, 200);
  assert.equal(await small.stop(), 0);
  directory.remove();
});

test('small timeouts of the config file hold: 408 once a byte came, a plain close without one', async () => {
  const directory = scratch();
  const file = join(directory.path, 'mimus.json');
  writeFileSync(file, JSON.stringify({ headerTimeoutMs: 2000, bodyTimeoutMs: 2000, keepAliveMs: 2000 }));
  const impatient = await Host.start({ args: ['--config', file] });
  await impatient.api('t', [{ method: 'ANY', path: '/x', deduplication: true, responses: [{ body: 'x' }] },
    { method: 'GET', path: '/slow', responses: [{ body: 'slow', delayMs: 3000 }] }]);
  const rows = [
    ['nothing at all', '', ''],
    ['half a head', 'GET /mock/t/x HTTP/1.1\r\nHos', /^HTTP\/1\.1 408 /],
    ['half a body', 'POST /mock/t/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc', /^HTTP\/1\.1 408 /],
    ['half a chunk', 'POST /mock/t/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc', /^HTTP\/1\.1 408 /],
    ['an idle kept-alive connection', get('/mock/t/x'), /^HTTP\/1\.1 200 [^]*\r\n\r\nx$/],
    ['a delayed answer longer than all of them', get('/mock/t/slow'), /^HTTP\/1\.1 200 [^]*\r\n\r\nslow$/],
  ];
  await Promise.all(rows.map(async ([name, bytes, wanted]) => {
    const since = Date.now();
    const text = await impatient.raw(bytes);
    assert.ok(Date.now() - since >= 1900, `${name}: not before its time`);
    if (wanted === '') assert.equal(text, '', name);
    else assert.match(text, wanted, name);
    if (text.startsWith('HTTP/1.1 408')) assert.match(text, /\r\nconnection: close\r\n/i, name);
  }));
  assert.equal(await impatient.stop(), 0);
  directory.remove();
});

test('maxConnectionsPerIp closes the one too many and counts it', async () => {
  const directory = scratch();
  const file = join(directory.path, 'mimus.json');
  writeFileSync(file, JSON.stringify({ maxConnectionsPerIp: 3 }));
  const narrow = await Host.start({ args: ['--config', file] });
  const sockets = [];
  for (let i = 0; i < 3; ++i) {
    const socket = connect(narrow.port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(get('/healthz'));
    await once(socket, 'data');
  }
  const fourth = connect(narrow.port, '127.0.0.1');
  fourth.on('error', () => {});
  fourth.resume();
  await once(fourth, 'close');
  sockets[0].destroy();
  let metrics = '';
  for (const until = Date.now() + 60_000; !metrics && Date.now() < until;) {
    metrics = await fetch(`${narrow.url}/metrics`, { headers: { authorization: 'Bearer e2e-token' } }).then((r) => r.text(), () => '');
  }
  assert.match(metrics, /^mimus_connections_refused_total\{reason="max_connections_per_ip"\} [1-9]/m);
  for (const socket of sockets) socket.destroy();
  assert.equal(await narrow.stop(), 0);
  directory.remove();
});
