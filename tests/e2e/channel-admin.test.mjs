// What an operator sees and does of open connections: the journal's records, live messages,
// sending, closing, changed definitions, and recordings.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { Host, eventually } from './host.mjs';
import { client as socketClient } from './socketio_client.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

/** A WebSocket endpoint under an API of its own, whose messages are kept if `capture`. */
async function channel(slug, fields = {}, { capture = true, on = host } = {}) {
  const api = await on.create('/admin/api-definitions', { slug, capture: { bodies: capture } });
  const made = await on.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: `/ws/${slug}`, ...fields });
  return { ...made, definition: `/admin/api-definitions/${api.id}/websocket-endpoints/${made.id}`, live: `/admin/websocket-endpoints/${made.id}` };
}

async function client(path, { on = host, ...options } = {}) {
  const socket = new WebSocket(on.url.replace('http', 'ws') + path, options);
  const received = [];
  socket.on('message', (data, binary) => received.push(binary ? data : `${data}`));
  const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: `${reason}` })));
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  return {
    socket, received, closed,
    has: (text) => eventually(() => received.includes(text), text),
    leave: () => { socket.close(1000, 'bye'); return closed; },
  };
}

const ask = async (method, path, body, status = 200) => {
  const answer = await host.admin(method, path, body);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.json;
};

/** Clients until each of the two workers has some: the kernel spreads them. */
const several = (path, n = 12) => Promise.all(Array.from({ length: n }, () => client(path)));

/** Server-Sent Events of a path, as they come. */
async function watch(path, { on = host, token = on.token } = {}) {
  const events = [];
  let text = '', all = '';
  const answer = await new Promise((resolve, reject) => {
    const asked = request(on.url + path, { headers: { authorization: `Bearer ${token}` }, agent: false }, resolve);
    asked.on('error', reject);
    asked.end();
  });
  const ended = new Promise((resolve) => answer.once('close', resolve));
  answer.on('error', () => {});
  answer.on('data', (chunk) => {
    all += chunk;
    text += chunk;
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const fields = Object.fromEntries(text.slice(0, end).split('\n').filter((line) => !line.startsWith(':')).map((line) => line.split(/: (.*)/s)));
      if (fields.event) events.push({ sse: fields.event, ...JSON.parse(fields.data) });
    }
  });
  return {
    status: answer.statusCode, headers: answer.headers, events, ended, answer,
    text: () => all,
    of: (name) => events.filter((one) => one.sse === name),
    stop: () => { answer.destroy(); return ended; },
  };
}

test('a connection is a record, with the id under which it is listed, and its country', async () => {
  const endpoint = await channel('plain', {}, { capture: false });
  const one = await client('/ws/plain?who=me', { headers: { 'user-agent': 'e2e/2' } });
  one.socket.send('not kept');
  await host.requests();  // the journal's writer has caught up
  const [listed] = (await ask('GET', `${endpoint.live}/connections`)).items;
  assert.deepEqual([listed.protocol, listed.country, listed.clientIp], ['websocket', 'Local', '127.0.0.1']);
  const record = await ask('GET', `/admin/requests/${listed.id}`);
  assert.deepEqual(
    [record.kind, record.status, record.method, record.path, record.query, record.userAgent, record.endpointId, record.connectionId, record.protocol],
    ['channel', 101, 'GET', '/ws/plain', 'who=me', 'e2e/2', endpoint.id, listed.id, 'websocket']);
  await one.leave();
  assert.equal((await host.requests(`?endpointId=${endpoint.id}`)).length, 1, 'neither the message nor the end is kept');
  const summary = await ask('GET', '/admin/analytics/summary?by=endpoint');
  assert.ok(!summary.items.some((item) => item.key === endpoint.id), 'it is no request');
});

test('messages and the end are records where the API captures bodies', async () => {
  const endpoint = await channel('kept', { events: [{ trigger: 'message', echo: true }] });
  const one = await client('/ws/kept');
  one.socket.send('hällo');
  one.socket.send(Buffer.from([0, 255]));
  await eventually(() => one.received.length === 2, 'both echoes');
  await one.leave();
  await eventually(async () => (await host.requests(`?endpointId=${endpoint.id}`)).length === 6, 'the records');
  const records = (await host.requests(`?kind=channel&endpointId=${endpoint.id}`)).reverse();
  assert.deepEqual(records.map((r) => [r.direction, r.messageType, r.data]), [
    [undefined, undefined, undefined], ['in', 'text', 'hällo'], ['out', 'text', 'hällo'], ['in', 'binary', 'AP8='], ['out', 'binary', 'AP8='],
    [undefined, undefined, undefined]]);
  assert.ok(records.every((r) => r.connectionId === records[0].id && r.clientIp === '127.0.0.1'));
  assert.deepEqual([records[5].closeCode, records[5].closeReason, records[5].messagesIn, records[5].messagesOut], [1000, 'bye', 2, 2]);
  assert.equal((await host.requests(`?kind=http&endpointId=${endpoint.id}`)).length, 0);
  assert.equal((await host.requests(`?connectionId=${records[0].id}`)).length, 6);
});

test('who is not let in is a record with the reason', async () => {
  const endpoint = await channel('closed', { requireToken: 'secret' });
  await assert.rejects(client('/ws/closed'));
  const [record] = await host.requests(`?endpointId=${endpoint.id}`);
  assert.deepEqual([record.kind, record.status, record.error, record.connectionId], ['channel', 401, 'unauthorized', undefined]);
});

test('events, texts and binaries go to all, to one, and to a room', async () => {
  const endpoint = await channel('told');
  const all = await several('/ws/told');
  assert.deepEqual(await ask('POST', `${endpoint.live}/broadcast`, { name: 'n', payload: { x: 1 } }), { sent: all.length });
  for (const one of all) await one.has('{"event":"n","data":{"x":1}}');
  const [{ id }] = (await ask('GET', `${endpoint.live}/connections`)).items;
  assert.deepEqual(await ask('POST', `${endpoint.live}/broadcast`, { text: 'only you', connectionId: id }), { sent: 1 });
  await eventually(() => all.some((one) => one.received.includes('only you')), 'the text');
  assert.deepEqual(await ask('POST', `${endpoint.live}/connections/broadcast`, { name: 'two', args: [1, [2]] }), { sent: all.length });
  for (const one of all) await one.has('{"event":"two","data":[1,[2]]}');
  assert.deepEqual(await ask('POST', `${endpoint.live}/broadcast`, { base64: 'AP8=', room: 'blue' }), { sent: 0 });
  await ask('DELETE', `${endpoint.live}/connections/${id}?code=4001&reason=enough`, undefined, 204);
  assert.deepEqual(await Promise.race(all.map((one) => one.closed)), { code: 4001, reason: 'enough' });
  await Promise.all(all.map((one) => one.leave()));
});

test('open connections get a changed definition on request, and its limits stay right', async () => {
  const welcome = (payload) => [{ name: 'every', payload, trigger: 'interval', interval: 50 }];
  const endpoint = await channel('changed', { maxConnectionsPerIp: 12, events: welcome('old') });
  const all = await several('/ws/changed', 12);
  for (const one of all) await one.has('{"event":"every","data":"old"}');
  await ask('PATCH', endpoint.definition, { events: welcome('new'), maxMessagesPerSecond: 1 });
  await assert.rejects(client('/ws/changed'), /429/, 'those of the old definition count');
  assert.deepEqual(await ask('POST', `${endpoint.definition}/apply`), { applied: 12, closed: 0 });
  for (const one of all) await one.has('{"event":"every","data":"new"}');
  all.forEach((one) => { one.received.length = 0; });
  for (const one of all) await one.has('{"event":"every","data":"new"}');
  assert.ok(all.every((one) => !one.received.includes('{"event":"every","data":"old"}')), 'the old timers are gone');
  await assert.rejects(client('/ws/changed'), /429/);
  for (let i = 0; i < 20; ++i) all[1].socket.send('x');
  assert.equal((await all[1].closed).code, 1008);
  all[1] = await eventually(() => client('/ws/changed').catch(() => undefined), 'room for it again');
  await all[0].leave();
  const [again] = [await eventually(() => client('/ws/changed').catch(() => undefined), 'room for one')];
  await assert.rejects(client('/ws/changed'), /429/);
  await ask('PATCH', endpoint.definition, { enabled: false });
  assert.deepEqual(await ask('POST', `${endpoint.live}/apply`), { applied: 0, closed: 12 });
  for (const one of [...all.slice(1), again]) assert.equal((await one.closed).code, 1001);
});

test('what happens on an endpoint is seen live, on all workers, whether it is kept or not', async () => {
  const endpoint = await channel('live', { events: [{ trigger: 'message', echo: true }] }, { capture: false });
  const other = await channel('unseen', { events: [{ trigger: 'message', echo: true }] }, { capture: false });
  const viewer = await watch(`${endpoint.live}/messages/stream`);
  assert.deepEqual([viewer.status, viewer.headers['content-type'], viewer.headers['cache-control']], [200, 'text/event-stream', 'no-store']);
  await eventually(() => viewer.of('watching').length, 'the begin');
  const elsewhere = await client('/ws/unseen');
  elsewhere.socket.send('unseen');
  const all = await several('/ws/live');
  all.forEach((one, i) => one.socket.send(`from ${i}\nin two lines`));
  for (const one of all) await eventually(() => one.received.length, 'an echo');
  await Promise.all(all.map((one) => one.leave()));
  await eventually(() => viewer.of('close').length === all.length, 'every close');
  assert.equal(viewer.of('open').length, all.length);
  assert.equal(viewer.of('message').length, 2 * all.length);
  assert.deepEqual(new Set(viewer.of('message').map((one) => one.data)), new Set(all.map((_, i) => `from ${i}\nin two lines`)));
  const [first] = viewer.of('open');
  assert.deepEqual(viewer.events.filter((one) => one.connectionId === first.connectionId).map((one) => one.direction ?? one.sse), ['open', 'in', 'out', 'close']);
  assert.equal((await host.requests(`?endpointId=${endpoint.id}`)).filter((one) => one.direction).length, 0, 'none was kept');
  await viewer.stop();
  await elsewhere.leave();
  assert.equal(other.enabled, true);
});

test('a viewer that does not read makes nobody wait and is told what it missed', async () => {
  const endpoint = await channel('fast', {}, { capture: false });
  const viewer = await watch(`${endpoint.live}/messages/stream`);
  await eventually(() => viewer.of('watching').length, 'the begin');
  viewer.answer.pause();
  const one = await client('/ws/fast');
  const large = 'x'.repeat(60_000);
  let sent = 0;
  for (; sent < 400; ++sent) one.socket.send(large);
  const listed = async () => (await host.admin('GET', `${endpoint.live}/connections`)).json.items;  // none while the worker is too busy
  await eventually(async () => (await listed())?.[0]?.messagesIn === sent, 'all messages');
  viewer.answer.resume();
  // All is accounted for: what is dropped may be told more than once.
  const dropped = () => viewer.of('dropped').reduce((sum, one) => sum + one.dropped, 0);
  await eventually(() => viewer.of('message').length + dropped() === sent, 'the word of what was dropped');
  assert.ok(dropped() > 0 && dropped() < sent, `${dropped()}`);
  one.socket.send('last');
  await eventually(() => viewer.of('message').some((m) => m.data === 'last'), 'what comes later');
  await one.leave();
  await eventually(() => viewer.of('close').length, 'the close');
  assert.equal(viewer.of('message').length + dropped(), sent + 1);
  await viewer.stop();
});

test('viewers need a token, are counted, and end with the host', async () => {
  const own = await Host.start({ workers: 1 });
  const endpoint = await channel('ending', {}, { on: own });
  const path = `${endpoint.live}/messages/stream`;
  assert.equal((await watch(path, { on: own, token: 'nobody' })).status, 401);
  const { secret } = await own.create('/admin/tokens', { name: 'v', role: 'viewer' });
  const viewers = await Promise.all(Array.from({ length: 16 }, () => watch(path, { on: own, token: secret })));
  assert.deepEqual(new Set(viewers.map((one) => one.status)), new Set([200]));
  const refused = await watch(path, { on: own });
  assert.equal(refused.status, 503);
  await viewers[0].stop();
  const late = await eventually(async () => {
    const one = await watch(path, { on: own });
    return one.status === 200 && one;
  }, 'a place');
  const head = await fetch(own.url + path, { method: 'HEAD', headers: { authorization: `Bearer ${secret}` } });
  assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream']);
  await eventually(() => late.of('watching').length, 'the begin');
  const began = performance.now();
  assert.equal(await own.stop(), 0);
  assert.ok(performance.now() - began < 10_000, 'the stop does not wait for viewers');
  await Promise.all(viewers.slice(1).map((one) => one.ended));
  await late.ended;
});

test('a recorded session becomes a definition that plays it with its timing', async () => {
  const endpoint = await channel('taped', { events: [
    { trigger: 'schedule', steps: [{ afterMs: 50, name: 'first', payload: { n: 1 } }, { afterMs: 300, name: 'second', payload: [2] }, { afterMs: 50, close: 4002 }] }] });
  const nothing = await host.admin('POST', `${endpoint.live}/record`);
  assert.equal(nothing.status, 409);
  assert.match(nothing.json.detail, /capture/);
  const one = await client('/ws/taped');
  assert.equal((await one.closed).code, 4002);
  await eventually(async () => (await host.requests(`?endpointId=${endpoint.id}`)).some((r) => r.closeCode === 4002), 'the end');
  const made = await ask('POST', `${endpoint.live}/record`);
  assert.ok(JSON.stringify(made.events).includes('4002'), 'the whole session');
  assert.equal(made.path, '/ws/taped');
  assert.equal(made.revision, 1);
  const stored = await host.admin('POST', `${endpoint.live}/record`, { path: '/ws/again' });
  assert.equal(stored.status, 201, stored.text);
  assert.equal(stored.headers.get('location'), `${endpoint.definition.slice(0, endpoint.definition.lastIndexOf('/'))}/${stored.json.id}`);
  const began = performance.now();
  const two = await client('/ws/again');
  assert.equal((await two.closed).code, 4002);
  assert.ok(performance.now() - began >= 350, 'with its timing');
  assert.deepEqual(two.received, one.received);
  const replaced = await ask('POST', `${endpoint.live}/record`, { path: '/ws/taped' });
  assert.equal(replaced.revision, 2);
  assert.equal((await host.admin('POST', `${endpoint.live}/record`, { path: '/ws/again' })).status, 409, 'it is another endpoint\'s');
});

test('clients of Socket.IO are seen, told and recorded like others', async () => {
  const endpoint = await channel('io', { events: [
    { trigger: 'message', name: 'back', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'ask' } },
    { trigger: 'ack', payload: 'saved', when: { in: 'event', op: 'equals', value: 'save' } },
    { trigger: 'schedule', steps: [{ afterMs: 20, name: 'news', payload: { n: 1 } }] }] });
  const viewer = await watch(`${endpoint.live}/messages/stream`);
  await eventually(() => viewer.of('watching').length, 'the begin');
  const one = await socketClient(host, '/ws/io', { transports: ['websocket'] });
  await eventually(() => one.all.some(([name]) => name === 'news'), 'the news');
  one.socket.emit('ask', Buffer.from([0, 255]));
  await eventually(() => one.all.some(([name]) => name === 'back'), 'the answer');
  assert.equal(await one.socket.timeout(60_000).emitWithAck('save', 1, 'two'), 'saved');
  await host.requests();  // the journal's writer has caught up
  const [listed] = (await ask('GET', `${endpoint.live}/connections`)).items;
  assert.deepEqual([listed.protocol, listed.country], ['socket.io', 'Local']);
  assert.deepEqual(await ask('POST', `${endpoint.live}/broadcast`, { name: 'several', args: [1, { two: 2 }] }), { sent: 1 });
  await eventually(() => one.all.some(([name]) => name === 'several'), 'what was sent to all');
  assert.deepEqual(one.all.find(([name]) => name === 'several'), ['several', 1, { two: 2 }]);
  await new Promise((go) => setTimeout(go, 1500));  // so long the recording will wait before it ends, too
  await ask('DELETE', `${endpoint.live}/connections/${listed.id}`, undefined, 204);
  assert.match(await one.disconnected, /disconnect|close/);
  await eventually(() => viewer.of('close').length, 'the close');
  const placeholder = JSON.stringify([{ _placeholder: true, num: 0 }]);
  const seen = viewer.of('message').map((m) => [m.direction, m.messageType, m.event, m.data, m.binaries]);
  for (const want of [
    ['in', 'event', 'ask', placeholder, ['AP8=']], ['out', 'event', 'back', placeholder, ['AP8=']],
    ['in', 'event', 'save', '[1,"two"]', undefined], ['out', 'ack', undefined, '["saved"]', undefined],
  ]) assert.ok(seen.some((have) => JSON.stringify(have) === JSON.stringify(want)), `${JSON.stringify(want)} in ${JSON.stringify(seen)}`);
  await viewer.stop();
  const records = (await host.requests(`?connectionId=${listed.id}`)).reverse();
  assert.deepEqual([records[0].id, records[0].protocol, records[0].status, records.at(-1).closeCode !== undefined], [listed.id, 'socket.io', 101, true]);
  assert.deepEqual(records.filter((r) => r.messageType).map((r) => [r.direction, r.messageType, r.event, r.data, r.binaries]), seen);

  const stored = await host.admin('POST', `${endpoint.live}/record`, { path: '/ws/io-again', connectionId: listed.id });
  assert.equal(stored.status, 201, stored.text);
  const two = await socketClient(host, '/ws/io-again', { transports: ['websocket'] });
  assert.equal(await two.socket.timeout(60_000).emitWithAck('save'), 'saved');
  assert.match(await two.disconnected, /disconnect|close/);
  assert.deepEqual(two.all.filter(([name]) => name !== 'back'), one.all.filter(([name]) => name !== 'back'));
});

test('a real server behind an endpoint is recorded and then played without it', async () => {
  const http = createServer();
  const real = new WebSocket.Server({ server: http });
  real.on('connection', (socket) => socket.on('message', (data) => {
    socket.send(`real ${data}`);
    setTimeout(() => socket.close(4003, 'done'), 200);
  }));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const endpoint = await channel('relayed', { proxyTarget: `ws://127.0.0.1:${http.address().port}/` });
  const one = await client('/ws/relayed');
  one.socket.send('hello');
  assert.deepEqual(await one.closed, { code: 4003, reason: 'done' });
  real.close();
  http.close();
  await eventually(async () => (await host.requests(`?endpointId=${endpoint.id}`)).some((r) => r.closeCode === 4003), 'the close');
  const records = (await host.requests(`?endpointId=${endpoint.id}`)).reverse();
  assert.deepEqual(records.filter((r) => r.direction).map((r) => [r.direction, r.data]), [['in', 'hello'], ['out', 'real hello']]);
  const replaced = await ask('POST', `${endpoint.live}/record`, { path: '/ws/relayed' });
  assert.equal(replaced.proxyTarget ?? null, null);
  const two = await client('/ws/relayed');
  assert.equal((await two.closed).code, 4003);
  assert.deepEqual(two.received, ['real hello']);
});
