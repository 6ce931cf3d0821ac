// WebSocket endpoints, met by a real client.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { Host, eventually } from './host.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

/** A WebSocket endpoint under an API of its own. */
async function channel(slug, path, fields = {}, on = host) {
  const api = await on.create('/admin/api-definitions', { slug });
  return on.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path, ...fields });
}

/** A client that has been let in: `next()` is its next event, `received` all of them. */
async function client(path, { protocols = [], on = host, ...options } = {}) {
  const socket = new WebSocket(on.url.replace('http', 'ws') + path, protocols, options);
  const received = [];
  let read = 0;
  socket.on('message', (data, binary) => received.push(binary ? data : JSON.parse(data)));
  const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: `${reason}` })));
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  return {
    socket, received, closed,
    next: async () => { await eventually(() => received.length > read, 'an event'); return received[read++]; },
    leave: () => { socket.close(); return closed; },
  };
}

/** How the handshake was refused. */
function refusal(path, { protocols = [], ...options } = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(host.url.replace('http', 'ws') + path, protocols, options);
    socket.on('error', reject);
    socket.on('open', () => { socket.terminate(); reject(new Error(`${path} let the client in`)); });
    socket.on('unexpected-response', (request, response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, json: JSON.parse(text) }));
    });
  });
}

const connections = async (endpoint) => (await host.admin('GET', `/admin/websocket-endpoints/${endpoint.id}/connections`)).json.items;

test('a client gets welcome on connection and ping at its interval, counted', async () => {
  await channel('tour', '/ws/notifications', { events: [
    { name: 'welcome', payload: { message: 'Hello' }, trigger: 'connection', delayMs: 0 },
    { name: 'ping', payload: { n: '{{count}}' }, trigger: 'interval', interval: 60, times: 0 },
  ] });
  const started = performance.now();
  const one = await client('/ws/notifications');
  assert.deepEqual(await one.next(), { event: 'welcome', data: { message: 'Hello' } });
  for (let n = 1; n <= 3; ++n) assert.deepEqual(await one.next(), { event: 'ping', data: { n } });
  assert.ok(performance.now() - started >= 170, 'three intervals have gone by');
  const two = await client('/ws/notifications');
  await two.next();
  assert.deepEqual(await two.next(), { event: 'ping', data: { n: 1 } }, 'each connection counts for itself');
  assert.equal((await one.leave()).code, 1005);
  await two.leave();
});

test('times ends an interval, delayMs puts an event off, and payloads keep their shape', async () => {
  const endpoint = await channel('shapes', '/ws/shapes', { events: [
    { name: 'late', payload: null, trigger: 'connection', delayMs: 300 },
    { name: 'text', payload: 'now {{count}} for {{clientId}}', trigger: 'connection' },
    { name: 'list', payload: [1, 2.5, 'x'], trigger: 'connection' },
    { name: 'at', payload: '{{now}}', trigger: 'connection' },
    { name: 'twice', payload: '{{count}}', trigger: 'interval', interval: 50, times: 2 },
  ] });
  const one = await client('/ws/shapes');
  await eventually(() => one.received.some((e) => e.event === 'late'), 'the late event');
  const byName = (name) => one.received.filter((e) => e.event === name).map((e) => e.data);
  assert.match(byName('text')[0], /^now 1 for .+$/);
  assert.deepEqual(byName('list'), [[1, 2.5, 'x']]);
  assert.ok(Math.abs(Date.parse(byName('at')[0]) - Date.now()) < 60_000, `${byName('at')[0]}`);
  await eventually(() => byName('twice').length === 2, 'two of the interval');
  assert.deepEqual(byName('late'), [null]);
  const [connection] = await connections(endpoint);
  assert.ok(byName('text')[0].endsWith(connection.id));
  assert.deepEqual(byName('twice'), [1, 2], 'a third would have come before the late one');
  await one.leave();
});

test('requireToken lets in who has it, by header or by query, and answers others 401', async () => {
  await channel('token', '/ws/token', { requireToken: 's3cret', events: [{ name: 'in', payload: 1, trigger: 'connection' }] });
  for (const [path, options] of [
    ['/ws/token', { headers: { authorization: 'Bearer s3cret' } }],
    ['/ws/token?token=s3cret', {}],
    ['/ws/token?token=s3cret', { origin: host.url }],
  ]) {
    const one = await client(path, options);
    assert.equal((await one.next()).event, 'in');
    await one.leave();
  }
  for (const [path, options] of [
    ['/ws/token', {}], ['/ws/token?token=', {}], ['/ws/token?token=s3cre', {}], ['/ws/token?token=s3cretx', {}],
    ['/ws/token', { headers: { authorization: 'Basic s3cret' } }],
  ]) {
    const refused = await refusal(path, options);
    assert.equal(refused.status, 401, path);
    assert.ok(refused.headers['www-authenticate']);
    assert.equal(refused.headers['content-type'], 'application/problem+json');
    assert.match(refused.json.type, /^urn:mimus:error:/);
  }
  const stranger = await refusal('/ws/token?token=s3cret', { origin: 'https://evil.example' });
  assert.equal(stranger.status, 403, 'with a token the default is the same origin');
});

test('origins are checked at the handshake', async () => {
  await channel('origins', '/ws/origins', { origins: ['https://app.example'] });
  await (await client('/ws/origins', { origin: 'https://app.example' })).leave();
  await (await client('/ws/origins')).leave();  // no browser, no origin
  for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null']) {
    const refused = await refusal('/ws/origins', { origin });
    assert.equal(refused.status, 403, origin);
  }
  await channel('any-origin', '/ws/any-origin');
  await (await client('/ws/any-origin', { origin: 'https://evil.example' })).leave();
});

test('an unknown path is 404, as is a disabled endpoint; plain HTTP is told to upgrade', async () => {
  await channel('disabled', '/ws/disabled', { enabled: false });
  for (const path of ['/ws/nowhere', '/ws/disabled', '/ws/']) assert.equal((await refusal(path)).status, 404, path);
  await channel('plain', '/ws/plain');
  const plain = await fetch(`${host.url}/ws/plain`);
  assert.ok(plain.status >= 400 && plain.status < 500, `${plain.status}`);
  assert.equal(plain.headers.get('content-type'), 'application/problem+json');
  await plain.text();
  const handshake = (line, fields) => host.raw(`${line}\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n\r\n`, { until: '\r\n\r\n' });
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  assert.match(await handshake('GET /ws/plain HTTP/1.1', 'Sec-WebSocket-Version: 13'), /^HTTP\/1\.1 400 /);
  assert.match(await handshake('GET /ws/plain HTTP/1.1', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short'), /^HTTP\/1\.1 400 /);
  assert.match(await handshake('POST /ws/plain HTTP/1.1', `${key}\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0`), /^HTTP\/1\.1 4\d\d /);
  assert.match(await handshake('GET /ws/plain HTTP/1.0', `${key}\r\nSec-WebSocket-Version: 13`), /^HTTP\/1\.1 400 /);
  assert.match(await handshake('GET /ws/plain HTTP/1.1', `${key}\r\n${key}\r\nSec-WebSocket-Version: 13`), /^HTTP\/1\.1 400 /);
  const old = await handshake('GET /ws/plain HTTP/1.1', `${key}\r\nSec-WebSocket-Version: 8`);
  assert.match(old, /^HTTP\/1\.1 426 /);
  assert.match(old, /Sec-WebSocket-Version: 13/i);
  assert.match(await handshake('GET /ws/plain HTTP/1.1', `${key}\r\nSec-WebSocket-Version: 13`), /^HTTP\/1\.1 101 [^]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
});

test('the first subprotocol of the endpoint that the client offers is chosen', async () => {
  await channel('sub', '/ws/sub', { subprotocols: ['v2.chat', 'v1.chat'] });
  const one = await client('/ws/sub', { protocols: ['v1.chat', 'v2.chat', 'v3.chat'] });
  assert.equal(one.socket.protocol, 'v2.chat');
  await one.leave();
  const none = await client('/ws/sub');
  assert.equal(none.socket.protocol, '');
  await none.leave();
});

test('connections are listed, get broadcasts, and are closed one by one', async () => {
  const endpoint = await channel('many', '/ws/many', { events: [{ name: 'welcome', payload: '{{clientId}}', trigger: 'connection' }] });
  const other = await client('/ws/shapes');
  const clients = await Promise.all([client('/ws/many'), client('/ws/many'), client('/ws/many')]);
  const ids = [];
  for (const one of clients) ids.push((await one.next()).data);
  assert.deepEqual((await connections(endpoint)).map((c) => c.id).sort(), [...ids].sort());
  assert.ok((await connections(endpoint)).every((c) => c.clientIp === '127.0.0.1'), JSON.stringify(await connections(endpoint)));

  const base = `/admin/websocket-endpoints/${endpoint.id}/connections`;
  const sent = await host.admin('POST', `${base}/broadcast`, { name: 'news', payload: { head: 'line' } });
  assert.deepEqual([sent.status, sent.json], [200, { sent: 3 }]);
  for (const one of clients) assert.deepEqual(await one.next(), { event: 'news', data: { head: 'line' } });
  assert.ok(!other.received.some((e) => e.event === 'news'));

  assert.equal((await host.admin('DELETE', `${base}/${ids[0]}`)).status, 204);
  assert.equal((await clients[0].closed).code, 1000);
  assert.deepEqual((await connections(endpoint)).map((c) => c.id).sort(), ids.slice(1).sort());
  assert.equal((await host.admin('DELETE', `${base}/${ids[0]}`)).status, 404, 'it is gone already');
  assert.equal((await host.admin('POST', `${base}/broadcast`, { name: 'news' })).json.sent, 2);
  await clients[1].leave();
  await clients[2].leave();
  await other.leave();
  await eventually(async () => (await connections(endpoint)).length === 0, 'an empty list');
  assert.equal((await host.admin('POST', `${base}/broadcast`, { name: 'news' })).json.sent, 0);

  for (const [method, path, body, status] of [
    ['GET', '/admin/websocket-endpoints/01ARZ3NDEKTSV4RRFFQ69G5FAV/connections', undefined, 404],
    ['POST', '/admin/websocket-endpoints/nothing/connections/broadcast', { name: 'x' }, 404],
    ['POST', `${base}/broadcast`, { payload: 1 }, 400],
    ['POST', `${base}/broadcast`, { name: 7 }, 400],
    ['DELETE', `${base}/nothing`, undefined, 404],
  ]) {
    const answer = await host.admin(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert.match(answer.json.type, /^urn:mimus:error:/);
  }
});

test('nothing is left when a client goes, however it goes', async () => {
  const endpoint = await channel('gone', '/ws/gone', { events: [{ name: 'tick', payload: '{{count}}', trigger: 'interval', interval: 50 }] });
  const clients = await Promise.all(Array.from({ length: 20 }, () => client('/ws/gone')));
  assert.equal((await connections(endpoint)).length, 20);
  clients.forEach((one, i) => (i % 2 ? one.socket.terminate() : one.socket.close(4000, 'bye')));
  await Promise.all(clients.map((one) => one.closed));
  await eventually(async () => (await connections(endpoint)).length === 0, 'an empty list');
});

test('a changed definition applies to new connections, open ones keep theirs', async () => {
  const endpoint = await channel('change', '/ws/change', { events: [{ name: 'old', payload: 1, trigger: 'interval', interval: 50 }] });
  const before = await client('/ws/change');
  await before.next();
  const changed = await host.admin('PATCH', `/admin/api-definitions/${endpoint.apiId}/websocket-endpoints/${endpoint.id}`,
    { events: [{ name: 'new', payload: 2, trigger: 'connection' }] });
  assert.equal(changed.status, 200, changed.text);
  const after = await client('/ws/change');
  assert.deepEqual(await after.next(), { event: 'new', data: 2 });
  before.received.length = 0;
  await eventually(() => before.received.length >= 3, 'three more events');
  assert.ok(before.received.every((e) => e.event === 'old'));
  await before.leave();
  await after.leave();
});

test('the clients of an endpoint that is deleted, alone or with its API, are told and closed', async () => {
  const alone = await channel('doomed', '/ws/doomed');
  const whole = await channel('doomed-api', '/ws/doomed-api');
  await channel('spared', '/ws/spared', { events: [{ name: 'pong', trigger: 'message' }] });
  const [one, other, spared] = await Promise.all([client('/ws/doomed'), client('/ws/doomed-api'), client('/ws/spared')]);
  for (const path of [`${alone.apiId}/websocket-endpoints/${alone.id}`, whole.apiId])
    assert.equal((await host.admin('DELETE', `/admin/api-definitions/${path}`)).status, 204);
  const end = { code: 1001, reason: 'the endpoint was deleted' };
  assert.deepEqual([await one.closed, await other.closed], [end, end]);
  spared.socket.send('ping');
  assert.deepEqual(await spared.next(), { event: 'pong', data: null });
  await spared.leave();
});

test('a connection that is dropped at once has had what was sent before', async () => {
  await channel('fleeting', '/ws/fleeting', { events: [
    { trigger: 'connection', name: 'welcome' }, { trigger: 'connection', fault: 'drop' }] });
  const one = await client('/ws/fleeting');
  assert.deepEqual(await one.next(), { event: 'welcome', data: null });
  assert.equal((await one.closed).code, 1006);
});

test('maxConnectionsPerIp is a limit while they last', async () => {
  await channel('few', '/ws/few', { maxConnectionsPerIp: 2 });
  const one = await client('/ws/few');
  const two = await client('/ws/few');
  const third = await refusal('/ws/few');
  assert.ok([403, 429, 503].includes(third.status), `${third.status}`);
  await one.leave();
  const again = await eventually(() => client('/ws/few').catch(() => null), 'room for another');
  await again.leave();
  await two.leave();
});

test('maxAttemptsPerMinute counts every handshake of an address, on all workers, refused ones too', async () => {
  await channel('hasty', '/ws/hasty', { maxAttemptsPerMinute: 4, requireToken: 't' });
  await channel('calm', '/ws/calm');
  await (await client('/ws/hasty?token=t')).leave();
  for (let i = 0; i < 3; ++i) assert.equal((await refusal('/ws/hasty?token=guess')).status, 401);
  const refused = await refusal('/ws/hasty?token=t');
  assert.equal(refused.status, 429);
  assert.match(refused.json.type, /:too-many-attempts$/);
  const wait = Number(refused.headers['retry-after']);
  assert.ok(wait >= 1 && wait <= 60, refused.headers['retry-after']);
  await (await client('/ws/calm')).leave();
});

test('maxMessagesPerSecond closes who sends more with 1008', async () => {
  await channel('chatty', '/ws/chatty', { maxMessagesPerSecond: 20 });
  const one = await client('/ws/chatty');
  for (let i = 0; i < 5; ++i) one.socket.send(`${i}`);
  await new Promise((go) => { one.socket.once('pong', go); one.socket.ping(); });
  assert.equal(one.socket.readyState, WebSocket.OPEN);
  for (let i = 0; i < 500; ++i) one.socket.send(`${i}`);
  assert.equal((await one.closed).code, 1008);
});

test('messages of clients are taken: text, binary, ping, in fragments; too large a one ends it with 1009', async () => {
  const endpoint = await channel('in', '/ws/in');
  const one = await client('/ws/in');
  one.socket.send('any text');
  one.socket.send(JSON.stringify({ event: 'ask', data: 1 }));
  one.socket.send(Buffer.from([0, 255, 1]));
  one.socket.send('frag', { fin: false });
  one.socket.send('ments', { fin: true });
  await new Promise((go) => { one.socket.once('pong', (data) => { assert.equal(`${data}`, 'still there'); go(); }); one.socket.ping('still there'); });
  assert.equal((await connections(endpoint)).length, 1);
  one.socket.send(Buffer.alloc((1 << 20) + 1));
  assert.equal((await one.closed).code, 1009);
  await eventually(async () => (await connections(endpoint)).length === 0, 'an empty list');
});

test('what breaks the protocol is closed with 1002 or 1007', async () => {
  await channel('rude', '/ws/rude');
  const rude = async (bytes) => {
    const socket = connect(host.port, '127.0.0.1');
    socket.on('error', () => {});
    let all = Buffer.alloc(0);
    socket.on('data', (chunk) => { all = Buffer.concat([all, chunk]); });
    socket.write('GET /ws/rude HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await eventually(() => all.includes('\r\n\r\n'), 'the handshake');
    const from = all.indexOf('\r\n\r\n') + 4;
    socket.write(bytes);
    await eventually(() => all.length >= from + 4, 'the close frame');
    socket.destroy();
    assert.equal(all[from], 0x88, 'a close frame');
    return all.readUInt16BE(from + 2);
  };
  assert.equal(await rude(Buffer.from([0x81, 0x01, 0x61])), 1002, 'unmasked');
  assert.equal(await rude(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x61])), 1002, 'a reserved bit');
  assert.equal(await rude(Buffer.from([0x83, 0x80, 0, 0, 0, 0])), 1002, 'a reserved opcode');
  assert.equal(await rude(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])), 1007, 'text that is no UTF-8');
});

test('messages are answered by rules: by event, by text, in order, with what they hold', async () => {
  await channel('rules', '/ws/rules', { events: [
    { name: 'reply', payload: { to: '{{message.event}}', id: '{{message.data./id}}' }, trigger: 'message',
      when: { all: [{ in: 'event', op: 'equals', value: 'ask' }, { in: 'data', pointer: '/id', op: 'exists' }] } },
    { name: 'twice', payload: '{{count}}', trigger: 'message', times: 2, when: { in: 'event', op: 'equals', value: 'ask' } },
    { text: 'pong', trigger: 'message', delayMs: 20, when: { in: 'text', op: 'matches', value: '^pi+ng$' } },
    { trigger: 'message', close: 4001, reason: 'as you wish', when: { in: 'data', op: 'equals', value: 'bye' } },
  ] });
  const one = await client('/ws/rules');
  const plain = [];
  one.socket.removeAllListeners('message');
  one.socket.on('message', (data, binary) => plain.push(binary ? data : `${data}`));
  const got = async (count) => { await eventually(() => plain.length >= count, `${count} messages`); return plain.splice(0); };
  one.socket.send(JSON.stringify({ event: 'ask', data: { id: 2.5 } }));
  assert.deepEqual(await got(2), ['{"event":"reply","data":{"to":"ask","id":2.5}}', '{"event":"twice","data":1}']);
  one.socket.send('{"event":"ask","data":{"id":275.0}}');
  one.socket.send(JSON.stringify({ event: 'ask', data: {} }));
  one.socket.send(JSON.stringify({ event: 'other', data: { id: 1 } }));
  one.socket.send('piing');
  assert.deepEqual(await got(3), ['{"event":"reply","data":{"to":"ask","id":275.0}}', '{"event":"twice","data":2}', 'pong']);
  one.socket.send('bye');
  assert.deepEqual(await one.closed, { code: 4001, reason: 'as you wish' });
});

test('an echo sends text and binary back as they came, whole and in fragments', async () => {
  await channel('echo', '/ws/echo', { events: [{ trigger: 'message', echo: true }] });
  const one = await client('/ws/echo');
  const back = [];
  one.socket.removeAllListeners('message');
  one.socket.on('message', (data, binary) => back.push([binary, data]));
  const large = Buffer.alloc(100_000, 7);
  one.socket.send('any "text" ü');
  one.socket.send(Buffer.from([0, 255, 1]));
  one.socket.send('frag', { fin: false });
  one.socket.send('ments', { fin: true });
  one.socket.send(large);
  await eventually(() => back.length === 4, 'four messages');
  assert.deepEqual(back.map(([binary]) => binary), [false, true, false, true]);
  assert.deepEqual(back.map(([, data]) => `${data}`).filter((_, i) => i % 2 === 0), ['any "text" ü', 'fragments']);
  assert.ok(back[1][1].equals(Buffer.from([0, 255, 1])) && back[3][1].equals(large));
  await one.leave();
});

test('a schedule is played with its timing, and ends the connection where it says so', async () => {
  await channel('schedule', '/ws/schedule', { events: [{ trigger: 'schedule', steps: [
    { afterMs: 100, name: 'a', payload: 1 }, { afterMs: 0, text: 'plain {{count}}' }, { afterMs: 0, base64: 'AP8=' },
    { afterMs: 200, name: 'b', payload: '{{count}}', literal: true }, { afterMs: 50, close: 1000, reason: 'the end' },
  ] }] });
  const started = performance.now();
  const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws/schedule`);
  const got = [], at = [];
  socket.on('message', (data, binary) => { got.push(binary ? [...data] : `${data}`); at.push(performance.now()); });
  const [code, reason] = await new Promise((resolve) => socket.once('close', (...how) => resolve(how)));
  assert.deepEqual(got, ['{"event":"a","data":1}', 'plain {{count}}', [0, 255], '{"event":"b","data":"{{count}}"}']);
  assert.deepEqual([code, `${reason}`], [1000, 'the end']);
  assert.ok(at[0] - started >= 100 && at[3] - started >= 300, `${at.map((one) => one - started)} ms`);
  assert.ok(performance.now() - started >= 350);
});

test('close-after closes, with 1000 unless it says another code', async () => {
  await channel('close-after', '/ws/close-after', { events: [{ trigger: 'close-after', delayMs: 60 }] });
  await channel('close-later', '/ws/close-later', { events: [{ trigger: 'close-after', delayMs: 60, code: 4999, reason: 'enough' }] });
  assert.deepEqual(await (await client('/ws/close-after')).closed, { code: 1000, reason: '' });
  assert.deepEqual(await (await client('/ws/close-later')).closed, { code: 4999, reason: 'enough' });
});

test('rooms are joined and left by events, and events go to a room or to all', async () => {
  await channel('rooms', '/ws/rooms', { events: [
    { trigger: 'message', join: 'red', when: { in: 'text', op: 'equals', value: 'in' }, name: 'come', payload: '{{clientId}}', to: 'room:red' },
    { trigger: 'message', leave: 'red', when: { in: 'text', op: 'equals', value: 'out' } },
    { trigger: 'message', name: 'said', payload: '{{message.data}}', to: 'room:red', when: { in: 'event', op: 'equals', value: 'say' } },
    { trigger: 'message', name: 'all', payload: 1, to: 'all', when: { in: 'text', op: 'equals', value: 'all' } },
  ] });
  const [a, b, c] = [await client('/ws/rooms'), await client('/ws/rooms'), await client('/ws/rooms')];
  a.socket.send('in');
  assert.equal((await a.next()).event, 'come');
  b.socket.send('in');
  const came = await b.next();
  assert.deepEqual(await a.next(), came, 'everyone in the room is told');
  c.socket.send(JSON.stringify({ event: 'say', data: [1, 'x'] }));
  for (const one of [a, b]) assert.deepEqual(await one.next(), { event: 'said', data: [1, 'x'] });
  a.socket.send('out');
  a.socket.send(JSON.stringify({ event: 'say', data: 2 }));
  assert.deepEqual(await b.next(), { event: 'said', data: 2 });
  c.socket.send('all');
  for (const one of [a, b, c]) assert.deepEqual(await one.next(), { event: 'all', data: 1 });
  for (const one of [a, b, c]) await one.leave();
});

test('an endpoint misbehaves as it is told', async () => {
  const faulty = (slug, fields) => channel(slug, `/ws/${slug}`, fields);
  await faulty('refuse', { faults: { refuse: 503 } });
  assert.equal((await refusal('/ws/refuse')).status, 503);
  await faulty('late', { faults: { handshakeDelayMs: 150 } });
  const started = performance.now();
  await (await client('/ws/late')).leave();
  assert.ok(performance.now() - started >= 150, 'the handshake took its time');
  await faulty('drop', { faults: { dropAfterMs: 50 } });
  assert.deepEqual(await (await client('/ws/drop')).closed, { code: 1006, reason: '' });
  await faulty('drop-step', { events: [{ trigger: 'message', fault: 'drop' }] });
  const dropped = await client('/ws/drop-step');
  dropped.socket.send('x');
  assert.equal((await dropped.closed).code, 1006);
  await faulty('garbage', { events: [{ trigger: 'message', fault: 'garbage' }] });
  const confused = await client('/ws/garbage');
  const error = new Promise((resolve) => confused.socket.once('error', resolve));
  confused.socket.send('x');
  assert.match((await error).code, /^WS_ERR_/);
  await confused.closed;
  await faulty('deaf', { faults: { ignorePings: true }, events: [{ trigger: 'message', echo: true }] });
  const deaf = await client('/ws/deaf');
  let pongs = 0;
  deaf.socket.on('pong', () => { ++pongs; });
  deaf.socket.ping();
  deaf.socket.send('1');
  await deaf.next();
  assert.equal(pongs, 0, 'the echo came, the pong did not');
  await deaf.leave();
  await faulty('slow', { events: [{ trigger: 'message', fault: 'slow', bytesPerSecond: 2000, when: { in: 'text', op: 'equals', value: '0' } },
    { trigger: 'message', echo: true, when: { in: 'text', op: 'notEquals', value: '0' } }] });
  const slow = await client('/ws/slow');
  slow.socket.send('0');
  const asked = performance.now();
  slow.socket.send(JSON.stringify('x'.repeat(1000)));
  await slow.next();
  assert.ok(performance.now() - asked >= 250, `1000 bytes took ${performance.now() - asked} ms`);
  slow.socket.terminate();
});

test('nonsense is refused with its pointer', async () => {
  const { id } = await host.create('/admin/api-definitions', { slug: 'bad-ws' });
  const make = (fields) => host.admin('POST', `/admin/api-definitions/${id}/websocket-endpoints`, { path: '/ws/bad', ...fields });
  const event = (fields) => ({ events: [{ name: 'ok', payload: 1, trigger: 'connection' }, fields] });
  const step = (fields) => event({ trigger: 'schedule', steps: [{ afterMs: 0, text: '' }, fields] });
  for (const [fields, pointer] of [
    [{ path: '/other' }, '/path'], [{ path: 'ws/x' }, '/path'], [{ color: 1 }, '/color'],
    [{ subprotocols: 'a' }, '/subprotocols'], [{ maxConnectionsPerIp: -1 }, '/maxConnectionsPerIp'], [{ requireToken: 7 }, '/requireToken'],
    [{ connectedEvent: 1 }, '/connectedEvent'], [{ faults: { refuse: 200 } }, '/faults/refuse'], [{ faults: { explode: true } }, '/faults/explode'],
    [event({ name: 'e', trigger: 'never' }), '/events/1/trigger'],
    [event({ name: 'e', trigger: 'interval' }), '/events/1/interval'],
    [event({ name: 'e', trigger: 'interval', interval: 49 }), '/events/1/interval'],
    [event({ name: 'e', trigger: 'interval', interval: 86400001 }), '/events/1/interval'],
    [event({ name: 'e', trigger: 'connection', interval: 100 }), '/events/1/interval'],
    [event({ name: 'e', trigger: 'connection', delayMs: -1 }), '/events/1/delayMs'],
    [event({ name: 'e', trigger: 'connection', extra: 1 }), '/events/1/extra'],
    [event({ name: 'e', trigger: 'connection', payload: { deep: ['{{message.data}}'] } }), '/events/1/payload/deep/0'],
    [event({ name: 'e', trigger: 'message', payload: '{{mesage.data}}' }), '/events/1/payload'],
    [event({ trigger: 'message' }), '/events/1/name'], [event({ name: 'e', trigger: 'message', echo: true }), '/events/1/echo'],
    [event({ name: 'e', trigger: 'message', to: 'nobody' }), '/events/1/to'],
    [event({ name: 'e', trigger: 'message', when: { in: 'body', op: 'exists' } }), '/events/1/when/in'],
    [event({ trigger: 'ack', when: { not: { in: 'event', op: 'exists', path: '/a' } } }), '/events/1/when/not/path'],
    [event({ trigger: 'ack', when: { any: [{ in: 'data', pointer: 5, op: 'exists' }] } }), '/events/1/when/any/0/pointer'],
    [event({ trigger: 'ack', when: { all: [{ in: 'data' }] } }), '/events/1/when/all/0/op'], [{ origins: ['https://a.test/'] }, '/origins/0'],
    [event({ trigger: 'ack', name: 'e' }), '/events/1/name'], [event({ trigger: 'schedule', steps: [] }), '/events/1/steps'],
    [step({ afterMs: 0, close: 1006 }), '/events/1/steps/1/close'], [step({ text: '' }), '/events/1/steps/1/afterMs'],
    [step({ afterMs: 0, base64: '?' }), '/events/1/steps/1/base64'],
    [event({ trigger: 'close-after' }), '/events/1/delayMs'], [event({ trigger: 'close-after', delayMs: 1, name: 'x' }), '/events/1/name'],
  ]) {
    const answer = await make(fields);
    assert.equal(answer.status, 400, `${JSON.stringify(fields)}: ${answer.text}`);
    assert.ok(answer.json.errors.some((e) => e.pointer === pointer), `${JSON.stringify(fields)}: ${answer.text}`);
  }
  assert.equal((await make({ path: '/ws/plain' })).status, 409, 'paths are unique across APIs');
  assert.equal((await make({})).status, 201);
});

test('SIGTERM closes with 1001', async () => {
  const going = await Host.start();
  await channel('bye', '/ws/bye', { events: [{ name: 'tick', payload: 1, trigger: 'interval', interval: 50 }] }, going);
  const clients = [await client('/ws/bye', { on: going }), await client('/ws/bye', { on: going })];
  await clients[0].next();
  const code = going.stop();
  for (const one of clients) assert.equal((await one.closed).code, 1001);
  assert.equal(await code, 0);
});
