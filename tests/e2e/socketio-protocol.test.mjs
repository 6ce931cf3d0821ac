// Socket.IO packets as they are on the wire: what the protocol's own test suite asks of a server, its
// namespaces being endpoints here, and what a hostile client sends.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, eventually, scratch } from './host.mjs';
import { connections, endpoint } from './socketio_client.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host, main;
before(async () => {
  host = await Host.start();
  const fields = { connectedEvent: false, events: [
    { trigger: 'connection', name: 'auth', payload: '{{auth}}' },
    { trigger: 'message', name: 'message-back', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'message' } },
    { trigger: 'ack', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'message-with-ack' } },
  ] };
  main = await endpoint(host, '/ws/main', fields);
  await endpoint(host, '/ws/custom', fields);
});
after(async () => { assert.equal(await host.stop(), 0); });

/** A session on a WebSocket: `next()` is the next message, text or the bytes as an array. */
async function session(on = host) {
  const socket = new WebSocket(`${on.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  const all = [];
  let read = 0;
  socket.on('message', (data, binary) => all.push(binary ? [...data] : `${data}`));
  const closed = new Promise((resolve) => socket.once('close', () => resolve(performance.now())));
  const next = async () => { await eventually(() => all.length > read, 'a message'); return all[read++]; };
  assert.match(await next(), /^0\{/);
  return { socket, closed, all, next, say: (...messages) => { for (const one of messages) socket.send(one); } };
}

/** The same, in /ws/main. */
async function joined() {
  const one = await session();
  one.say('40/ws/main');
  assert.match(await one.next(), /^40\/ws\/main,\{"sid":"[^"]+"\}$/);
  assert.equal(await one.next(), '42/ws/main,["auth",{}]');
  return one;
}

test('a namespace is joined with and without auth, and others are invalid', async () => {
  for (const [packet, auth] of [['40/ws/main', '{}'], ['40/ws/main,', '{}'], ['40/ws/main,{"token":"123"}', '{"token":"123"}']]) {
    const one = await session();
    one.say(packet);
    const answer = await one.next();
    assert.ok(answer.startsWith('40/ws/main,'), answer);
    assert.deepEqual(Object.keys(JSON.parse(answer.slice(11))), ['sid']);
    assert.equal(await one.next(), `42/ws/main,["auth",${auth}]`);
    one.say('40/random', '40', '40/random,{"a":1}', '40/ws/custom,');
    assert.equal(await one.next(), '44/random,{"message":"Invalid namespace"}');
    assert.equal(await one.next(), '44{"message":"Invalid namespace"}');
    assert.equal(await one.next(), '44/random,{"message":"Invalid namespace"}');
    assert.ok((await one.next()).startsWith('40/ws/custom,{"sid":'));
    one.socket.close();
    await one.closed;
  }
});

test('a session without a namespace ends at the connectTimeout, one that had some goes on', async () => {
  const place = scratch();
  writeFileSync(join(place.path, 'config.json'), JSON.stringify({ connectTimeout: 2000 }));
  const other = await Host.start({ args: ['--config', join(place.path, 'config.json')] });
  await endpoint(other, '/ws/main');
  const raw = new WebSocket(`${other.url.replace('http', 'ws')}/ws/main`);  // its plugins are bound then
  await new Promise((resolve) => raw.once('open', resolve));
  const started = performance.now();
  const [idle, lost, in_time] = [await session(other), await session(other), await session(other)];
  lost.say('40/nowhere');
  in_time.say('40/ws/main', '41/ws/main');
  for (const one of [idle, lost]) assert.ok(await one.closed - started >= 2000);
  assert.equal(in_time.socket.readyState, WebSocket.OPEN);
  assert.equal(await other.stop(), 0);
  await in_time.closed;
  place.remove();
});

test('who leaves a namespace is heard in the others', async () => {
  const one = await joined();
  one.say('40/ws/custom');
  await one.next();
  await one.next();
  one.say('41/ws/custom', '42/ws/main,["message","to the other"]');
  assert.equal(await one.next(), '42/ws/main,["message-back","to the other"]');
  one.say('41/ws/main');
  await eventually(async () => (await connections(host, main)).length === 0, 'an empty list');
  assert.equal(one.socket.readyState, WebSocket.OPEN, 'the session goes on without any');
  one.socket.close();
});

test('texts, attachments and acknowledgements come back as they went', async () => {
  const one = await joined();
  const attachments = [Uint8Array.from([1, 2, 3]), Uint8Array.from([4, 5, 6])];
  const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
  one.say('42/ws/main,["message",1,"2",{"3":[true]}]');
  assert.equal(await one.next(), '42/ws/main,["message-back",1,"2",{"3":[true]}]');
  one.say(`452-/ws/main,["message",${placeholders}]`, ...attachments);
  assert.equal(await one.next(), `452-/ws/main,["message-back",${placeholders}]`);
  assert.deepEqual([await one.next(), await one.next()], [[1, 2, 3], [4, 5, 6]]);
  one.say('42/ws/main,456["message-with-ack",1,"2",{"3":[false]}]');
  assert.equal(await one.next(), '43/ws/main,456[1,"2",{"3":[false]}]');
  one.say(`452-/ws/main,789["message-with-ack",${placeholders}]`, ...attachments);
  assert.equal(await one.next(), `462-/ws/main,789[${placeholders}]`);
  assert.deepEqual([await one.next(), await one.next()], [[1, 2, 3], [4, 5, 6]]);
  one.socket.close();
});

test('what no client may send ends the session', async () => {
  const deep = (levels) => `42/ws/main,["message",${'['.repeat(levels)}${']'.repeat(levels)}]`;
  for (const messages of [
    ['4abc'], ['42/ws/main,{}'], ['42/ws/main,abc["message"]'], ['42/ws/main,["message"'], ['42/ws/main,["disconnect"]'],
    ['40/ws/main,'], ['42/ws/custom,["message"]'], ['42["message"]'], ['44/ws/main,{"message":"no"}'], ['41/ws/main,{}'], [Uint8Array.from([1])],
    ['451-/ws/main,["message"]', '42/ws/main,["message"]'], ['451-/ws/main,["message",{"_placeholder":true,"num":1}]', Uint8Array.from([1])],
    ['4599999999999999999999-/ws/main,["message"]'], ['42/ws/main,99999999999999999999["message"]'], [deep(100)], [deep(100_000)],
    ['452-/ws/main,["message"]', ...Array(2).fill(Buffer.alloc(600_000))],
  ]) {
    const one = await joined();
    one.say(...messages);
    await one.closed;
    assert.equal(one.all.length, 3, `${one.all}`);
  }
  const one = await joined();
  one.say(deep(98), '43/ws/main,1[]', '43/ws/main');
  assert.equal(await one.next(), deep(98).replace('message', 'message-back'));
  one.socket.close();
  await eventually(async () => (await connections(host, main)).length === 0, 'an empty list');
});

test('what came with a reserved word or a prototype\'s name is only data', async () => {
  const one = await joined();
  for (const payload of ['{"__proto__":{"a":1},"constructor":null}', '"_placeholder"', '{"_placeholder":false,"num":99}', '{"num":0}', '1e400']) {
    one.say(`42/ws/main,["message",${payload}]`);
    assert.equal(await one.next(), `42/ws/main,["message-back",${payload}]`);
  }
  one.socket.close();
});
