// What rules make of a Socket.IO client's events: arguments, binaries and acknowledgements, by the npm package's client.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Host } from './host.mjs';
import { client, endpoint } from './socketio_client.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

const on = (name) => ({ in: 'event', op: 'equals', value: name });
const sameBytes = (got, want) => assert.deepEqual([...got], [...want]);

test('auth is emitted, a message comes back with its arguments, an acknowledgement has them, too', async () => {
  await endpoint(host, '/ws/mirror', { connectedEvent: false, events: [
    { trigger: 'connection', name: 'auth', payload: '{{auth}}' },
    { trigger: 'message', name: 'message-back', payload: '{{message.data}}', spread: true, when: on('message') },
    { trigger: 'ack', payload: '{{message.data}}', spread: true, when: on('message-with-ack') },
    { trigger: 'message', echo: true, when: on('echo') },
  ] });
  for (const transports of [['polling'], ['websocket']]) {
    const one = await client(host, '/ws/mirror', { transports, auth: { token: '123', n: [1.5] } });
    assert.deepEqual(await one.next(), ['auth', { token: '123', n: [1.5] }]);
    one.socket.emit('message', 1, '2', { 3: [false] });
    assert.deepEqual(await one.next(), ['message-back', 1, '2', { 3: [false] }]);
    one.socket.emit('message');
    assert.deepEqual(await one.next(), ['message-back']);
    one.socket.emit('message', [1, 2]);
    assert.deepEqual(await one.next(), ['message-back', [1, 2]]);
    one.socket.emit('message', { a: Buffer.from([1, 2, 3]) }, Buffer.from([0]), 'end');
    const [, first, second, third] = await one.next();
    sameBytes(first.a, [1, 2, 3]);
    sameBytes(second, [0]);
    assert.equal(third, 'end');
    one.socket.emit('echo', 'x', Buffer.from([9]));
    const echoed = await one.next();
    assert.deepEqual(echoed.slice(0, 2), ['echo', 'x']);
    sameBytes(echoed[2], [9]);
    const [a, b] = await new Promise((resolve) => one.socket.emit('message-with-ack', 1, Buffer.from([4, 5]), (...args) => resolve(args)));
    assert.equal(a, 1);
    sameBytes(b, [4, 5]);
    await one.leave();
  }
});

test('payloads take what they want of an event, by name and pointer', async () => {
  await endpoint(host, '/ws/parts', { connectedEvent: false, events: [
    { trigger: 'message', name: 'reply', payload: { to: '{{message.event}}', id: '{{message.data.0.id}}', all: '{{message.args}}', by: '{{auth./user}}' },
      when: { all: [{ in: 'auth', pointer: '/user', op: 'exists' }, { in: 'data', pointer: '/1', op: 'gt', value: 1 }] } },
    { trigger: 'message', name: 'blob', payload: '{{message.data.0.blob}}', when: on('blob') },
    { trigger: 'ack', payload: ['ok'], when: on('save') },
    { trigger: 'ack', payload: 'no', when: { not: on('quiet') }, times: 1 },
  ] });
  const one = await client(host, '/ws/parts', { auth: { user: 'ann' } });
  one.socket.emit('ask', { id: 7 }, 2);
  assert.deepEqual(await one.next(), ['reply', { to: 'ask', id: 7, all: [{ id: 7 }, 2], by: 'ann' }]);
  one.socket.emit('blob', { other: Buffer.from([1]), blob: Buffer.from([2, 3]) }, 'x');
  sameBytes((await one.next())[1], [2, 3]);
  const ask = (name) => new Promise((resolve) => one.socket.timeout(name === 'quiet' ? 200 : 60_000).emit(name, 1, (error, ...args) => resolve(error ? 'none' : args)));
  assert.deepEqual(await ask('save'), [['ok']], 'one argument that is an array, once');
  assert.deepEqual(await ask('other'), ['no']);
  assert.equal(await ask('quiet'), 'none');
  await one.leave();
});

test('binaries that nobody sent do no harm, whoever claims them', async () => {
  await endpoint(host, '/ws/forged', { connectedEvent: false, events: [
    { trigger: 'message', name: 'all', payload: '{{message.data}}', to: 'all' }] });
  const [one, two] = [await client(host, '/ws/forged'), await client(host, '/ws/forged', { transports: ['websocket'] })];
  const raw = new WebSocket(`${host.url.replace('http', 'ws')}/ws/forged`);
  await new Promise((resolve) => raw.once('open', resolve));
  raw.send(JSON.stringify({ event: 'x', data: { _placeholder: true, num: 99 } }));
  for (const each of [one, two]) assert.equal((await each.next())[0], 'all');
  one.socket.emit('x', { real: Buffer.from([1]), note: 'still here' });
  for (const each of [one, two]) {
    const [, data] = await each.next();
    sameBytes(data.real, [1]);
    assert.equal(data.note, 'still here');
  }
  assert.ok(one.socket.connected && two.socket.connected);
  raw.terminate();
  await one.leave();
  await two.leave();
});

test('texts, binaries and schedules are events of a Socket.IO client, which may be asked to acknowledge', async () => {
  await endpoint(host, '/ws/script', { events: [
    { trigger: 'schedule', steps: [
      { afterMs: 20, text: 'plain' }, { afterMs: 20, base64: 'AP8=' }, { afterMs: 0, name: 'two', payload: [1, [2]], spread: true },
      { afterMs: 0, name: 'bin', payload: [{ _placeholder: true, num: 0 }, { _placeholder: true, num: 5 }], binaries: ['AQI='] },
      { afterMs: 20, name: 'asks', payload: 1, ack: true }, { afterMs: 300, close: 1000 }] },
  ] });
  const one = await client(host, '/ws/script');
  assert.deepEqual(await one.next(), ['connected', { endpoint: '/ws/script', clientId: one.all[0][1].clientId }]);
  assert.deepEqual(await one.next(), ['message', 'plain']);
  const [name, bytes] = await one.next();
  assert.equal(name, 'message');
  sameBytes(bytes, [0, 255]);
  assert.deepEqual(await one.next(), ['two', 1, [2]]);
  const [, list] = await one.next();
  sameBytes(list[0], [1, 2]);
  assert.equal(list[1], null);
  const [asks, value, acknowledge] = await one.next();
  assert.deepEqual([asks, value], ['asks', 1]);
  acknowledge('yes');
  assert.equal(await one.disconnected, 'io server disconnect');
});
