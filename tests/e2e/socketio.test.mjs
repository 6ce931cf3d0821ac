// Socket.IO endpoints, met by the npm package's client.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Host, eventually, freePort, scratch } from './host.mjs';
import { Manager, client as clientOf, connections, endpoint as endpointOf, heard, refusal as refusalOf, tried } from './socketio_client.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

const endpoint = (path, fields) => endpointOf(host, path, fields);
const client = (path, options) => clientOf(host, path, options);
const refusal = (path, options) => refusalOf(host, path, options);

/** What mocks of the reference server's test suite do. */
const conversation = [
  { trigger: 'message', name: 'message-back', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'message' } },
  { trigger: 'ack', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'message-with-ack' } },
];
const welcome = { trigger: 'connection', name: 'welcome', payload: { message: 'Hello' } };

test('a client with default options is told that it is connected, then what the endpoint sends', async () => {
  const path = '/ws/notifications';
  await endpoint(path, { events: [welcome, { trigger: 'interval', interval: 50, times: 2, name: 'ping', payload: { n: '{{count}}' } }] });
  const one = await client(path);
  const [name, connected] = await one.next();
  assert.equal(name, 'connected');
  assert.deepEqual(Object.keys(connected).sort(), ['clientId', 'endpoint']);
  assert.equal(connected.endpoint, path);
  assert.equal(connected.clientId, one.socket.id, 'the id is what the client itself goes by');
  assert.deepEqual(await one.next(), ['welcome', { message: 'Hello' }]);
  assert.deepEqual(await one.next(), ['ping', { n: 1 }]);
  await eventually(() => one.socket.io.engine.transport.name === 'websocket', 'the upgrade');
  assert.deepEqual(await one.next(), ['ping', { n: 2 }]);
  assert.equal(await one.leave(), 'io client disconnect');
});

for (const transports of [['polling', 'websocket'], ['websocket'], ['polling']]) {
  test(`events, acknowledgements and binaries go both ways by ${transports}`, async () => {
    const mock = await endpoint(`/ws/talk-${transports.join('-')}`, { connectedEvent: false, events: [...conversation,
      { trigger: 'connection', name: 'question', payload: ['a', 1], spread: true, ack: true }] });
    const one = await client(mock.path, { transports });
    const [name, ...rest] = await one.next();
    const answer = rest.pop();
    assert.deepEqual([name, ...rest], ['question', 'a', 1]);
    answer('yes', Buffer.from([9]));
    for (const args of [[], [1, '2', { 3: [true] }], [Buffer.from([1, 2, 3])], [{ a: [Buffer.from([]), null] }, 'ü', Buffer.alloc(70_000, 5)], ['"\\\u0000\u2028😀']]) {
      one.socket.emit('message', ...args);
      assert.deepEqual(await one.next(), ['message-back', ...args]);
      assert.deepEqual(await new Promise((done) => one.socket.emit('message-with-ack', ...args, (...back) => done(back))), args);
    }
    assert.equal(await one.socket.emitWithAck('message-with-ack', 7), 7);
    const [open] = await connections(host, mock);
    assert.equal(open.id, one.socket.id);
    assert.equal(open.messagesIn, 12, 'the acknowledgement, five of each, and one');
    await one.leave();
    await eventually(async () => (await connections(host, mock)).length === 0, 'an empty list');
  });
}

test('namespaces share a connection, and each is left by itself', async () => {
  const [a, b] = [await endpoint('/ws/share-a', { events: conversation }), await endpoint('/ws/share-b', { events: conversation })];
  const manager = new Manager(host.url, { reconnection: false });
  const sockets = [a, b].map(({ path }) => manager.socket(path));
  const events = sockets.map(heard);
  await Promise.all(sockets.map(tried));
  assert.notEqual(sockets[0].id, sockets[1].id);
  for (const one of events) assert.equal((await one.next())[0], 'connected');
  assert.equal((await tried(manager.socket('/ws/nowhere'))).message, 'Invalid namespace', 'others do not suffer');
  sockets[0].disconnect();
  await eventually(async () => (await connections(host, a)).length === 0, 'the first to leave');
  sockets[1].emit('message', 'still here');
  assert.deepEqual(await events[1].next(), ['message-back', 'still here']);
  sockets[0].connect();
  await tried(sockets[0]);
  assert.equal((await events[0].next())[0], 'connected');
  const apart = await client(a.path);
  assert.notEqual(apart.socket.io.engine.id, manager.engine.id, 'forceNew has a connection of its own');
  await apart.leave();
  manager._close();
  for (const one of [a, b]) await eventually(async () => (await connections(host, one)).length === 0, 'an empty list');
});

test('auth is what mocks see, and what requireToken asks for', async () => {
  await endpoint('/ws/who', { connectedEvent: false, events: [{ trigger: 'connection', name: 'auth', payload: ['{{auth}}', '{{auth./user/name}}', '{{auth.user.none}}'], spread: true }] });
  const one = await client('/ws/who', { auth: { user: { name: 'Ada' }, n: 1 } });
  assert.deepEqual(await one.next(), ['auth', { user: { name: 'Ada' }, n: 1 }, 'Ada', null]);
  await one.leave();
  const nobody = await client('/ws/who');
  assert.deepEqual(await nobody.next(), ['auth', {}, null, null]);
  await nobody.leave();

  await endpoint('/ws/token', { requireToken: 's3cret' });
  for (const options of [{ auth: { token: 's3cret' } }, { auth: (give) => give({ token: 's3cret' }) }, { query: { token: 's3cret' } },
    { extraHeaders: { authorization: 'Bearer s3cret' } }, { auth: { token: 's3cret' }, extraHeaders: { origin: host.url } }]) {
    const let_in = await client('/ws/token', options);
    assert.equal((await let_in.next())[0], 'connected');
    await let_in.leave();
  }
  for (const options of [{}, { auth: { token: 's3cre' } }, { auth: { token: ['s3cret'] } }]) {
    const error = await refusal('/ws/token', options);
    assert.equal(error.data.code, 'unauthorized');
    assert.match(error.message, /auth\.token/);
  }
  const stranger = await refusal('/ws/token', { auth: { token: 's3cret' }, extraHeaders: { origin: 'https://evil.example' } });
  assert.equal(stranger.data.code, 'forbidden-origin', 'with a token the default is the same origin');
});

test('unknown and disabled namespaces are invalid, and others say why they refuse', async () => {
  await endpoint('/ws/disabled', { enabled: false });
  for (const path of ['/', '', '/ws/nowhere', '/ws/disabled', '/ws/nowhere/']) {
    const error = await refusal(path);
    assert.equal(error.message, 'Invalid namespace', path);
    assert.equal(error.data, undefined);
  }
  await endpoint('/ws/origins', { origins: ['https://app.example'] });
  assert.equal((await refusal('/ws/origins', { extraHeaders: { origin: 'https://evil.example' } })).data.code, 'forbidden-origin');
  for (const transports of [['websocket'], ['polling']])
    await (await client('/ws/origins', { transports, extraHeaders: { origin: 'https://app.example' } })).leave();
  await endpoint('/ws/few', { maxConnectionsPerIp: 1 });
  const one = await client('/ws/few');
  assert.equal((await refusal('/ws/few')).data.code, 'too-many-connections');
  await one.leave();
  await endpoint('/ws/hasty', { maxAttemptsPerMinute: 2 });
  for (let i = 0; i < 2; ++i) await (await client('/ws/hasty')).leave();
  const hasty = await refusal('/ws/hasty');
  assert.equal(hasty.data.code, 'too-many-attempts');
  assert.ok(hasty.data.retryAfter >= 1 && hasty.data.retryAfter <= 60);
  await endpoint('/ws/refused', { faults: { refuse: 503 } });
  assert.equal((await refusal('/ws/refused')).data.code, 'handshake-refused');
});

test('a client that leaves while its namespace keeps it waiting leaves nothing', async () => {
  const late = await endpoint('/ws/late', { maxConnectionsPerIp: 1, faults: { handshakeDelayMs: 200 } });
  const hasty = new Manager(host.url, { reconnection: false }).socket('/ws/late');
  await new Promise((resolve) => hasty.io.once('open', resolve));
  hasty.io._close();
  await eventually(async () => /^mimus_engine_sessions_active 0$/m.test((await host.admin('GET', '/metrics')).text), 'nobody');
  const started = performance.now();
  const one = await client('/ws/late');
  assert.ok(performance.now() - started >= 200, 'the namespace took its time');
  assert.deepEqual((await connections(host, late)).map(({ id }) => id), [one.socket.id]);
  await one.leave();
});

test('who is closed by the endpoint or by an admin is disconnected, and may come back', async () => {
  const brief = await endpoint('/ws/brief', { events: [
    { trigger: 'message', close: 4001, when: { in: 'event', op: 'equals', value: 'bye' } }, ...conversation] });
  await endpoint('/ws/beside', { events: conversation });
  const manager = new Manager(host.url, { reconnection: false });
  const one = manager.socket('/ws/brief'), beside = manager.socket('/ws/beside');
  const events = heard(beside);
  await Promise.all([one, beside].map(tried));
  for (let i = 0; i < 2; ++i) {
    const gone = new Promise((resolve) => one.once('disconnect', resolve));
    if (i === 0) {
      one.emit('bye');
      one.emit('message', 'on its way');
    } else {
      const answer = await host.admin('DELETE', `/admin/websocket-endpoints/${brief.id}/connections/${one.id}`);
      assert.equal(answer.status, 204, answer.text);
    }
    assert.equal(await gone, 'io server disconnect');
    one.connect();
    await tried(one);
  }
  beside.emit('message', 1);
  await events.next();
  assert.deepEqual(await events.next(), ['message-back', 1], 'the connection outlived both');
  manager._close();
});

test('rooms and broadcasts reach clients of both protocols, on every worker', async () => {
  const mock = await endpoint('/ws/rooms', { connectedEvent: false, events: [
    { trigger: 'connection', join: 'all', name: 'in', payload: 1 },
    { trigger: 'message', to: 'room:all', name: 'said', payload: '{{message.data}}', when: { in: 'event', op: 'equals', value: 'say' } },
    { trigger: 'message', leave: 'all', when: { in: 'event', op: 'equals', value: 'hush' } }] });
  const sockets = await Promise.all(Array.from({ length: 6 }, (_, i) => client(mock.path, { transports: [i % 2 ? 'polling' : 'websocket'] })));
  const raw = new WebSocket(host.url.replace('http', 'ws') + mock.path);
  const lines = [];
  raw.on('message', (data) => lines.push(JSON.parse(data)));
  await eventually(() => lines.length === 1, 'the raw client');
  for (const one of sockets) await one.next();
  sockets[5].socket.emit('hush');
  await eventually(async () => (await connections(host, mock)).some(({ id, messagesIn }) => id === sockets[5].socket.id && messagesIn === 1), 'the hush');
  sockets[0].socket.emit('say', { a: 1 });
  for (const one of sockets.slice(0, 5)) assert.deepEqual(await one.next(), ['said', { a: 1 }]);
  await eventually(() => lines.length === 2, 'the raw client');
  raw.send('{"event":"say","data":2}');
  for (const one of sockets.slice(0, 5)) assert.deepEqual(await one.next(), ['said', 2]);
  await host.admin('POST', `/admin/websocket-endpoints/${mock.id}/connections/broadcast`, { name: 'all', payload: [1, 2] }).then(({ status, text }) => assert.ok(status < 300, text));
  for (const one of sockets) assert.equal((await one.next())[0], 'all');
  await eventually(() => lines.length === 4, 'the raw client');
  assert.deepEqual(lines.map(({ event }) => event), ['in', 'said', 'said', 'all']);
  assert.deepEqual(lines[2], { event: 'said', data: 2 });
  raw.close();
  for (const one of sockets) await one.leave();
  await eventually(async () => (await connections(host, mock)).length === 0, 'an empty list');
});

test('an endpoint misbehaves as it is told', async () => {
  await endpoint('/ws/faults', { events: ['drop', 'garbage', 'slow'].map((fault) => (
    { trigger: 'message', fault, ...(fault === 'slow' ? { bytesPerSecond: 4000 } : {}), when: { in: 'event', op: 'equals', value: fault } })).concat(conversation) });
  for (const transports of [['websocket'], ['polling']]) {
    const dropped = await client('/ws/faults', { transports });
    dropped.socket.emit('drop');
    assert.match(await dropped.disconnected, /^transport (close|error)$/, `drop by ${transports}`);
    const confused = await client('/ws/faults', { transports });
    confused.socket.emit('garbage');
    assert.match(await confused.disconnected, /^(transport error|parse error|transport close)$/, `garbage by ${transports}`);
    const slow = await client('/ws/faults', { transports });
    await slow.next();
    slow.socket.emit('slow');
    const started = performance.now();
    slow.socket.emit('message', 'x'.repeat(2000));
    await slow.next();
    assert.ok(performance.now() - started >= 250, `2000 bytes took ${performance.now() - started} ms by ${transports}`);
    await slow.leave();
  }
});

test('who sends more than maxMessagesPerSecond is disconnected', async () => {
  await endpoint('/ws/chatty', { maxMessagesPerSecond: 20 });
  const one = await client('/ws/chatty');
  for (let i = 0; i < 500; ++i) one.socket.emit('x', i);
  assert.equal(await one.disconnected, 'io server disconnect');
});

test('a client comes back by itself when the host was restarted', async () => {
  const place = scratch();
  const listen = `127.0.0.1:${await freePort()}`;
  let other = await Host.start({ data: place.path, listen });
  await endpointOf(other, '/ws/again', { events: conversation });
  const options = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 };
  const clients = await Promise.all([['polling', 'websocket'], ['websocket'], ['polling']].map((transports) => clientOf(other, '/ws/again', { ...options, transports })));
  const ids = clients.map((one) => one.socket.id);
  for (const one of clients) await one.next();
  const left = Promise.all(clients.map((one) => one.disconnected));
  assert.equal(await other.stop(), 0);
  for (const why of await left) assert.ok(why.startsWith('transport '), why);
  other = await Host.start({ data: place.path, listen });
  for (const [i, one] of clients.entries()) {
    await eventually(() => one.socket.connected, 'the reconnection');
    assert.notEqual(one.socket.id, ids[i]);
    assert.equal((await one.next())[0], 'connected');
    one.socket.emit('message', i);
    assert.deepEqual(await one.next(), ['message-back', i]);
  }
  for (const one of clients) one.socket.disconnect();
  assert.equal(await other.stop(), 0);
  place.remove();
});
