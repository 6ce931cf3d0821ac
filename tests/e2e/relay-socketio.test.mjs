// Socket.IO clients whose endpoint relays to a real Socket.IO server; and what the journal keeps of relays.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { Host, eventually, freePort } from './host.mjs';

const modules = createRequire(`${process.env.NODE_PATH}/`);
const { io } = modules('socket.io-client');
const { Server } = modules('socket.io');
const WebSocket = modules('ws');

let host;
let http;
let real;      // the Socket.IO server
let api;
const joined = [];  // its sockets, in order
before(async () => {
  host = await Host.start();
  http = createServer();
  real = new Server(http);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  for (const name of ['/', '/chat']) {
    real.of(name).on('connection', (socket) => {
      joined.push(socket);
      socket.gone = new Promise((resolve) => socket.once('disconnect', resolve));
      socket.emit('hello', name, socket.handshake.auth);
      socket.on('echo', (...args) => socket.emit('echoed', ...args));
      socket.on('ask', (question, answer) => answer(`${question}?`, Buffer.from([1, 2])));
      socket.on('askMe', () => socket.emit('question', 'why', (...answer) => socket.emit('answered', ...answer)));
      socket.on('leave', () => socket.disconnect());
      socket.on('drop', () => socket.conn.close());
      socket.on('break', () => socket.conn.transport.socket.terminate());
    });
  }
  real.of('/locked').use((socket, next) => next(new Error(`not for ${socket.handshake.auth.name}`)));
  api = await host.create('/admin/api-definitions', { slug: 'relay', capture: { bodies: true } });
});
after(async () => {
  await real.close();
  assert.equal(await host.stop(), 0);
});

const target = (path) => `http://127.0.0.1:${http.address().port}${path}`;
let made = 0;
async function relay(to, fields = {}) {
  const path = `/ws/relay-${++made}`;
  return host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path, proxyTarget: to, connectedEvent: false, ...fields });
}

/** A client of an endpoint: `heard` are its events with their arguments. */
function client(path, options = {}) {
  const socket = io(host.url + path, { forceNew: true, reconnection: false, ...options });
  const heard = [];
  socket.onAny((...event) => heard.push(event));
  const gone = new Promise((resolve) => socket.once('disconnect', resolve));
  const next = async (name) => (await eventually(() => heard.find((event) => event[0] === name), name)).slice(1);
  return { socket, heard, gone, next };
}

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  test(`events, binaries and acknowledgements pass both ways by ${transports.join(' and ')}`, async () => {
    const endpoint = await relay(target('/chat?own=1'));
    const one = client(endpoint.path, { transports, auth: { name: 'Ada' }, query: { mine: '2' } });
    assert.deepEqual(await one.next('hello'), ['/chat', { name: 'Ada' }]);
    const { query } = joined.at(-1).handshake;
    assert.deepEqual([query.own, query.mine, query.EIO, query.transport], ['1', '2', '4', 'websocket']);

    const args = [1, 'zwei', { drei: [null, true] }, Buffer.from([0, 255]), { deep: [Buffer.from('x')] }];
    one.socket.emit('echo', ...args);
    assert.deepEqual(await one.next('echoed'), args);
    one.socket.emit('echo');
    await eventually(() => one.heard.some((event) => event[0] === 'echoed' && event.length === 1), 'an event without arguments');

    const [text, bytes] = await new Promise((resolve) => one.socket.emit('ask', 'what', (...answer) => resolve(answer)));
    assert.equal(text, 'what?');
    assert.deepEqual(Buffer.from(bytes), Buffer.from([1, 2]));

    one.socket.on('question', (word, answer) => answer(word, 'because', Buffer.from('b')));
    one.socket.emit('askMe');
    assert.deepEqual(await one.next('answered'), ['why', 'because', Buffer.from('b')]);

    one.socket.disconnect();
    assert.match(await joined.at(-1).gone, /client namespace disconnect|transport close/);
  });
}

test('a target without a path is the main namespace; many events keep their order', async () => {
  const endpoint = await relay(target(''));
  const one = client(endpoint.path, { transports: ['websocket'] });
  for (let i = 0; i < 300; ++i) one.socket.emit('echo', i);
  await eventually(() => one.heard.length === 301, 'all of them');
  assert.deepEqual(one.heard[0].slice(0, 2), ['hello', '/']);
  assert.deepEqual(one.heard.slice(1).map((event) => event[1]), Array.from({ length: 300 }, (_, i) => i));
  one.socket.disconnect();
});

test("the server's goodbye reaches the client", async () => {
  const endpoint = await relay(target('/chat'));
  for (const [event, reason] of [['leave', 'io server disconnect'], ['drop', 'transport close'], ['break', 'transport close']]) {
    const one = client(endpoint.path, { transports: ['websocket'] });
    await one.next('hello');
    one.socket.emit(event);
    assert.equal(await one.gone, reason, event);
  }
  const locked = await relay(target('/locked'));
  const refused = client(locked.path, { auth: { name: 'Bob' } });
  assert.equal(await refused.gone, 'io server disconnect');
  const nowhere = client((await relay(target('/nowhere'))).path);
  assert.equal(await nowhere.gone, 'io server disconnect');
  const down = client((await relay('ws://127.0.0.1:9/')).path);
  assert.equal(await down.gone, 'transport close');
});

test('clients come back once their server does', async () => {
  let plain = createServer();
  const port = await freePort();
  const serve = async (name) => {
    const server = new Server(plain = createServer());
    server.on('connection', (socket) => socket.emit('hello', name));
    plain.listen(port, '127.0.0.1');
    await once(plain, 'listening');
    return server;
  };
  let server = await serve('first');
  const endpoint = await relay(`http://127.0.0.1:${port}`);
  const all = [['websocket'], ['polling'], ['polling', 'websocket']].map((transports) =>
    client(endpoint.path, { transports, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 }));
  for (const one of all) assert.deepEqual(await one.next('hello'), ['first']);
  const emptied = Promise.all(all.map(({ socket }) => new Promise((resolve) => {
    let ends = 0;
    socket.on('disconnect', () => { if (++ends === 2) resolve(); });
  })));
  await server.close();
  await emptied;  // they have met the empty place, too
  server = await serve('second');
  for (const one of all) await eventually(() => one.heard.some((event) => event[1] === 'second'), 'the server again');
  for (const one of all) one.socket.disconnect();
  await server.close();
});

test('the journal keeps both directions, of raw clients and of Socket.IO clients', async () => {
  const plain = createServer();
  const server = new WebSocket.Server({ server: plain });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(`heard ${binary ? data.toString('hex') : data}`)));
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const raw = await relay(`ws://127.0.0.1:${plain.address().port}/`);
  const socket = new WebSocket(host.url.replace('http', 'ws') + raw.path);
  await once(socket, 'open');
  socket.send('one');
  await once(socket, 'message');
  socket.send(Buffer.from([0xab]));
  await once(socket, 'message');
  socket.close(4001, 'done');
  await once(socket, 'close');
  const endpoint = await relay(target('/chat'));
  const one = client(endpoint.path);
  await one.next('hello');
  one.socket.emit('echo', 'x');
  await one.next('echoed');
  one.socket.disconnect();

  const kept = async (id, texts) => eventually(async () => {
    const records = (await host.requests('?kind=channel&limit=100')).filter((record) => record.endpointId === id);
    const all = JSON.stringify(records);
    return texts.every((text) => all.includes(text)) && records;
  }, `the records of ${texts}`);
  await kept(raw.id, ['one', 'heard one', 'heard ab', '4001']);
  await kept(endpoint.id, ['hello', 'echo', 'echoed']);
  plain.closeAllConnections();
  plain.close();
});
