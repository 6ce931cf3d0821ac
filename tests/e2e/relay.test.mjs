// WebSocket endpoints that relay to a real server, met by real clients.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Host, eventually, freePort, scratch } from './host.mjs';
import { assertProblem } from './check.mjs';
import { Authority } from './secure.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host;
const servers = [];
before(async () => { host = await Host.start(); });
after(async () => {
  for (const server of servers) server.stop();
  assert.equal(await host.stop(), 0);
});

/** A real server; `behave(socket, request)` is called for each client. `tls` are its key and certificate. */
async function server(behave, { tls, ...options } = {}) {
  const answer = (request, response) => response.end('no WebSocket');
  const http = tls ? createTlsServer(tls, answer) : createHttpServer(answer);
  http.on('tlsClientError', () => {});
  const wss = new WebSocket.Server({ server: http, ...options });
  const clients = [];
  wss.on('connection', (socket, request) => {
    const client = { socket, request };
    client.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: `${reason}` })));
    socket.on('error', () => {});
    clients.push(client);
    behave?.(socket, request);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const one = {
    url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${http.address().port}`, http, wss, clients,
    stop: () => { for (const socket of wss.clients) socket.terminate(); http.closeAllConnections(); http.close(); },
  };
  servers.push(one);
  return one;
}

/** A peer of TCP alone: `behave(socket)` is called once a request's head is there. */
async function rawServer(behave) {
  const sockets = new Set();
  const tcp = createTcpServer((socket) => {
    let head = '';
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', function heard(chunk) {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', heard);
      behave(socket, head);
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const one = { url: `ws://127.0.0.1:${tcp.address().port}`, stop: () => { for (const socket of sockets) socket.destroy(); tcp.close(); } };
  servers.push(one);
  return one;
}

let made = 0;
/** An endpoint that relays to `target`; its path. */
async function relay(target, fields = {}, on = host) {
  const path = `/ws/relay-${++made}`;
  const api = await on.create('/admin/api-definitions', { slug: `relay-${made}` });
  const endpoint = await on.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path, proxyTarget: target, ...fields });
  return { path, id: endpoint.id, api: api.id };
}

/** A client of the host: `received` are its messages, text as strings and binary as Buffers. */
async function client(path, { protocols = [], on = host, ...options } = {}) {
  const socket = new WebSocket(on.url.replace('http', 'ws') + path, protocols, { maxPayload: 1 << 28, ...options });
  const received = [];
  socket.on('message', (data, binary) => received.push(binary ? data : `${data}`));
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: `${reason}` })));
  await once(socket, 'open');
  return {
    socket, received, closed,
    count: (n) => eventually(() => received.length >= n, `${n} messages`, 60_000),
  };
}

/** The Sec-WebSocket-Accept for a request's head. */
const accept = (head) => createHash('sha1').update(`${/^sec-websocket-key: (.*)$/im.exec(head)[1].trim()}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

const echo = (socket) => socket.on('message', (data, binary) => socket.send(data, { binary }));

test('text and binary pass both ways in order, also what was sent before the server answered', async () => {
  const up = await server((socket) => { socket.send('hello'); echo(socket); });
  const { path } = await relay(`${up.url}/chat?own=1`);
  const one = await client(`${path}?mine=2`);
  for (let i = 0; i < 50; ++i) one.socket.send(i % 2 ? `text ${i}` : Buffer.from([i, 0, 255]));
  await one.count(51);
  assert.equal(one.received[0], 'hello');
  for (let i = 0; i < 50; ++i) {
    assert.deepEqual(one.received[i + 1], i % 2 ? `text ${i}` : Buffer.from([i, 0, 255]), `message ${i}`);
  }
  assert.equal(up.clients[0].request.url, '/chat?own=1&mine=2');
  assert.equal(up.clients[0].request.headers.host, new URL(up.url).host);
  assert.equal(up.clients[0].request.headers['sec-websocket-extensions'], undefined, 'no compression is offered');
  one.socket.close();
  await one.closed;
});

test("the client's close reaches the server, with code and reason", async () => {
  const up = await server();
  const { path } = await relay(up.url);
  for (const [code, reason, want] of [[4001, 'bye', { code: 4001, reason: 'bye' }], [1000, '', { code: 1000, reason: '' }], [undefined, undefined, { code: 1005, reason: '' }]]) {
    const one = await client(path);
    await eventually(() => up.clients.length > 0, 'the server has the client');
    one.socket.close(code, reason);
    assert.deepEqual(await up.clients.pop().closed, want);
    assert.equal((await one.closed).code, want.code);
  }
  const lost = await client(path);
  await eventually(() => up.clients.length > 0, 'the server has the client');
  lost.socket.terminate();
  assert.equal((await up.clients.pop().closed).code, 1001, 'a client that is lost has gone away');
});

test("the server's close reaches the client, after all that it had sent", async () => {
  let end;
  const up = await server((socket) => { for (let i = 0; i < 5; ++i) socket.send(`${i}`); end(socket); });
  const { path } = await relay(up.url);
  for (const [name, close, want] of [
    ['a code', (socket) => socket.close(4321, 'enough'), { code: 4321, reason: 'enough' }],
    ['none', (socket) => socket.close(), { code: 1005, reason: '' }],
    ['broken off', (socket) => setImmediate(() => socket.terminate()), { code: 1014, reason: 'the server broke the connection off' }],
  ]) {
    end = close;
    const one = await client(path);
    const closed = await one.closed;
    if (name === 'broken off') assert.equal(closed.code, 1014);
    else assert.deepEqual(closed, want, name);
    assert.deepEqual(one.received, ['0', '1', '2', '3', '4'].slice(0, one.received.length), name);
    if (name !== 'broken off') assert.equal(one.received.length, 5, name);
  }
});

test('where there is no server, or none that speaks WebSocket, the client is told 1014 and why', async () => {
  const answers = (text) => rawServer((socket) => socket.end(text));
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (const [name, target, why] of [
    ['nobody listens', `ws://127.0.0.1:${await freePort()}`, /refused/i],
    ['it refuses the handshake', (await answers('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')).url, /403/],
    ['it is plain HTTP', (await answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')).url, /200/],
    ['it accepts another key', (await answers(`${switched}Sec-WebSocket-Accept: AAAA\r\n\r\n`)).url, /Sec-WebSocket-Accept/],
    ['it does not accept', (await answers(`${switched}\r\n`)).url, /Sec-WebSocket-Accept/],
    ['it is no HTTP', (await answers('SSH-2.0-x\r\n\r\n')).url, /malformed|HTTP/],
    ['it hangs up', (await rawServer((socket) => socket.destroy())).url, /./],
    ['it never answers', (await rawServer(() => {})).url, /200 ms/],
  ]) {
    const { path } = await relay(target, name === 'it never answers' ? { proxyTimeout: 200 } : {});
    const one = await client(path);
    one.socket.send('early');
    const closed = await one.closed;
    assert.equal(closed.code, 1014, name);
    assert.match(closed.reason, why, name);
  }
});

test('a server that breaks the protocol is cut off, and its client told 1014', async () => {
  const up = await server((socket) => socket.once('message', (data) => socket._socket.write(data)));
  const { path } = await relay(up.url);
  for (const [name, bytes] of [
    ['a masked frame', Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5])],
    ['a reserved opcode', Buffer.from([0x83, 0x00])],
    ['reserved bits', Buffer.from([0xc1, 0x01, 0x61])],
    ['text that is no UTF-8', Buffer.from([0x81, 0x02, 0xc3, 0x28])],
    ['a close code that nobody may send', Buffer.from([0x88, 0x02, 0x03, 0xed])],
    ['more than maxMessageBytes', Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0x10, 0, 0, 0])],
  ]) {
    const one = await client(path);
    one.socket.send(bytes);
    assert.equal((await one.closed).code, 1014, name);
    assert.ok([1002, 1007, 1009, 1005, 1006].includes((await up.clients.at(-1).closed).code), name);
  }
});

test('big messages pass, and both slow sides are waited for', async () => {
  const big = Buffer.alloc(1_000_000, 'abcdefghij');
  const total = 60;
  let heard = 0;
  const up = await server((socket, request) => {
    if (request.url === '/slow') {
      socket.pause();
      setTimeout(() => socket.resume(), 500);
      socket.on('message', (data) => { heard += data.length; if (heard === total * big.length) socket.send('all'); });
    } else if (request.url === '/flood') {
      for (let i = 0; i < total; ++i) socket.send(big);
      for (let i = 0; i < 5000; ++i) socket.send(`small ${i}`);
      socket.close(1000, 'done');
    } else {
      echo(socket);
    }
  }, { maxPayload: 1 << 28 });

  const echoed = await client((await relay(up.url)).path);
  for (let i = 0; i < 20; ++i) echoed.socket.send(big);
  await echoed.count(20);
  assert.ok(echoed.received.every((data) => big.equals(data)));
  echoed.socket.close();

  const eager = await client((await relay(`${up.url}/slow`)).path);
  for (let i = 0; i < total; ++i) eager.socket.send(big);
  await eager.count(1);
  assert.deepEqual(eager.received, ['all']);
  eager.socket.close();

  const slow = await client((await relay(`${up.url}/flood`)).path);
  slow.socket.pause();
  await eventually(() => up.clients.at(-1).socket.bufferedAmount > 0, 'the server has to wait');
  slow.socket.resume();
  assert.deepEqual(await slow.closed, { code: 1000, reason: 'done' });
  assert.equal(slow.received.length, total + 5000);
  assert.ok(slow.received.slice(0, total).every((data) => big.equals(data)));
  assert.equal(slow.received.at(-1), 'small 4999');
});

test('pings are answered on either side, and reach nobody else', async () => {
  let told;
  const ponged = new Promise((resolve) => { told = resolve; });
  const up = await server((socket) => { socket.on('pong', (data) => told(`${data}`)); socket.ping('up'); });
  const { path } = await relay(up.url);
  const one = await client(path);
  let pinged = 0;
  one.socket.on('ping', () => ++pinged);
  one.socket.ping('down');
  const [data] = await once(one.socket, 'pong');
  assert.equal(`${data}`, 'down');
  assert.equal(await ponged, 'up');
  assert.equal(pinged, 0);
  one.socket.close();
  await one.closed;
});

test('the chosen subprotocol and own header fields go along; what is the protocol\'s does not', async () => {
  const up = await server(null, { handleProtocols: (offered) => [...offered][0] });
  const { path } = await relay(up.url, {
    subprotocols: ['v2.chat'],
    proxyHeaders: { override: { Origin: 'https://app.example', Authorization: 'Bearer t' }, add: { 'X-Relay': 'yes', 'Sec-WebSocket-Extensions': 'permessage-deflate' } },
  });
  const one = await client(path, { protocols: ['v1.chat', 'v2.chat'], headers: { cookie: 'a=1' } });
  await eventually(() => up.clients.length === 1, 'the server has the client');
  const { headers } = up.clients[0].request;
  assert.equal(headers['sec-websocket-protocol'], 'v2.chat');
  assert.equal(headers.origin, 'https://app.example');
  assert.equal(headers.authorization, 'Bearer t');
  assert.equal(headers['x-relay'], 'yes');
  assert.equal(headers.cookie, undefined);
  assert.equal(headers['sec-websocket-extensions'], undefined);
  one.socket.close();
  await one.closed;

  const stubborn = await rawServer((socket, head) => {
    socket.write(`HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: other\r\nSec-WebSocket-Accept: ${accept(head)}\r\n\r\n`);
  });
  const wrong = await client((await relay(stubborn.url, { subprotocols: ['v2.chat'] })).path, { protocols: ['v2.chat'] });
  const closed = await wrong.closed;
  assert.equal(closed.code, 1014);
  assert.match(closed.reason, /subprotocol/);
});

test('own events stand beside the relay', async () => {
  const up = await server(echo);
  const { path } = await relay(up.url, { events: [{ name: 'welcome', payload: { n: 1 }, trigger: 'connection' }] });
  const one = await client(path);
  one.socket.send('x');
  await one.count(2);
  assert.deepEqual(one.received.map(String).sort(), ['x', '{"event":"welcome","data":{"n":1}}'].sort());
  one.socket.close();
  await one.closed;
});

test('many clients on two workers each have a connection of their own, and leave none behind', async () => {
  const up = await server((socket) => socket.on('message', (data) => socket.send(`${data} back`)));
  const { path, id } = await relay(up.url);
  const all = await Promise.all(Array.from({ length: 40 }, () => client(path)));
  all.forEach((one, i) => one.socket.send(`client ${i}`));
  await Promise.all(all.map((one) => one.count(1)));
  all.forEach((one, i) => assert.deepEqual(one.received, [`client ${i} back`]));
  assert.equal(up.clients.length, 40);
  for (const one of all) one.socket.close(1000);
  await Promise.all(up.clients.map((each) => each.closed));
  await eventually(() => up.wss.clients.size === 0, 'the server has none left');
  await eventually(async () => (await host.admin('GET', `/admin/websocket-endpoints/${id}/connections`)).json.items.length === 0, 'the host has none left');
});

test('an endpoint that is closed by an operator, or a host that stops, lets the server know', async () => {
  const up = await server();
  const { path, id } = await relay(up.url);
  const one = await client(path);
  await eventually(() => up.clients.length === 1, 'the server has the client');
  const [connection] = (await host.admin('GET', `/admin/websocket-endpoints/${id}/connections`)).json.items;
  await host.admin('DELETE', `/admin/websocket-endpoints/${id}/connections/${connection.id}`);
  const { code } = await one.closed;
  assert.equal((await up.clients[0].closed).code, code);

  const other = await Host.start();
  const far = await client((await relay(up.url, {}, other)).path, { on: other });
  await eventually(() => up.clients.length === 2, 'the server has the other');
  assert.equal(await other.stop(), 0);
  assert.equal((await far.closed).code, 1001);
  assert.ok([1001, 1006].includes((await up.clients[1].closed).code));
});

test('a changed target is applied to open connections on request', async () => {
  const [old, next] = [await server((socket) => socket.send('old')), await server((socket) => socket.send('new'))];
  const { path, id, api } = await relay(old.url);
  const one = await client(path);
  await one.count(1);
  assert.equal((await host.admin('PATCH', `/admin/api-definitions/${api}/websocket-endpoints/${id}`, { proxyTarget: next.url })).status, 200);
  assert.equal(next.clients.length, 0, 'an open one keeps its server');
  assert.equal((await host.admin('POST', `/admin/websocket-endpoints/${id}/apply`)).status, 200);
  await one.count(2);
  assert.deepEqual(one.received, ['old', 'new']);
  assert.equal((await old.clients[0].closed).code, 1001);
  one.socket.close(4000, 'enough');
  assert.equal((await next.clients[0].closed).code, 4000);
});

test('a wss target is spoken to in TLS, and must show the certificate of its name', async () => {
  const files = scratch();
  const [ours, strange] = [new Authority(files.path), new Authority(files.path, 'stranger')];
  const pair = (of) => { const { key, cert } = of.make('server', ['127.0.0.1']); return { key: readFileSync(key), cert: readFileSync(cert) }; };
  const [right, wrong] = [await server(echo, { tls: pair(ours) }), await server(echo, { tls: pair(strange) })];
  const trusting = await Host.start({ env: { SSL_CERT_FILE: ours.file } });
  try {
    const one = await client((await relay(right.url, {}, trusting)).path, { on: trusting });
    const big = Buffer.alloc(900_000, 'secret');
    for (let i = 0; i < 5; ++i) one.socket.send(big);
    await one.count(5);
    assert.ok(one.received.every((data) => big.equals(data)));
    one.socket.close(4000, 'bye');
    assert.deepEqual(await right.clients[0].closed, { code: 4000, reason: 'bye' });
    for (const [target, why] of [[wrong.url, /certificate/i], [right.url.replace('wss', 'ws'), /./]]) {
      const refused = await (await client((await relay(target, {}, trusting)).path, { on: trusting })).closed;
      assert.equal(refused.code, 1014, target);
      assert.match(refused.reason, why);
    }
  } finally {
    assert.equal(await trusting.stop(), 0);
    files.remove();
  }
});

test('a target that is none is refused with a pointer, and a forbidden address at both times', async () => {
  const api = await host.create('/admin/api-definitions', { slug: 'refused' });
  const define = (fields, on = host, to = api) => on.admin('POST', `/admin/api-definitions/${to.id}/websocket-endpoints`, { path: `/ws/refused-${++made}`, ...fields });
  for (const proxyTarget of ['ftp://x/', 'ws://', 'x', 'ws://h/#f', 'ws://h/a b', 'ws://user@h/', 'ws://h:99999/', 'http://169.254.169.254/', `ws://127.0.0.1:${host.port}/ws/x`]) {
    assertProblem(await define({ proxyTarget }), 400, 'invalid-input', '/proxyTarget');
  }
  assert.equal((await define({ proxyTarget: 'ws://h', proxyTimeout: 5 })).status, 400);
  assert.equal((await define({ proxyTarget: 'ws://h', proxyHeaders: { forward: ['Cookie'] } })).status, 400);
  assertProblem(await define({ proxyTarget: 'ws://h', proxyHeaders: { add: { 'a b': 'x' } } }), 400, 'invalid-input', '/proxyHeaders/add/a b');

  const strict = await Host.start({ args: ['--proxy-allow-private', 'no'] });
  try {
    const its = await strict.create('/admin/api-definitions', { slug: 'strict' });
    assertProblem(await define({ proxyTarget: 'ws://10.0.0.1/' }, strict, its), 400, 'invalid-input', '/proxyTarget');
    const { path } = await relay('ws://localhost:9/', {}, strict);
    const closed = await (await client(path, { on: strict })).closed;
    assert.equal(closed.code, 1014);
    assert.match(closed.reason, /loopback/);
  } finally {
    assert.equal(await strict.stop(), 0);
  }

  const production = await Host.start({ args: ['--production'] });
  try {
    const its = await production.create('/admin/api-definitions', { slug: 'production' });
    const refused = assertProblem(await define({ proxyTarget: 'ws://example.com/' }, production, its), 400, 'invalid-input', '/proxyTarget');
    assert.match(refused.detail, /https/);
    assert.equal((await define({ proxyTarget: 'wss://example.com/' }, production, its)).status, 201);
  } finally {
    assert.equal(await production.stop(), 0);
  }
});
