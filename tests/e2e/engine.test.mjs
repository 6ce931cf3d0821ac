// Engine.IO 4 on the wire: sessions over polling and WebSocket, on a host of several workers.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Host, eventually, scratch } from './host.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');
const separator = '\x1e';
const namespace = '/ws/echo';

let host;
before(async () => {
  host = await Host.start();
  await echoes(host);
});
after(async () => { assert.equal(await host.stop(), 0); });

/** A namespace in which what is sent comes back. */
async function echoes(on) {
  const api = await on.create('/admin/api-definitions', { slug: 'echoes' });
  await on.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, {
    path: namespace, connectedEvent: false, events: [{ trigger: 'message', echo: true }],
  });
}

/** A host that was told `config`, for one story. */
async function told(config, story) {
  const own = scratch();
  const file = join(own.path, 'mimus.json');
  writeFileSync(file, JSON.stringify(config));
  const one = await Host.start({ args: ['--config', file] });
  try {
    await echoes(one);
    await story(one);
  } finally {
    assert.equal(await one.stop(), 0);
    own.remove();
  }
}

/** One request on a connection of its own, which the kernel gives to any worker. */
async function ask(query, { on = host, headers = {}, ...rest } = {}) {
  const answer = await fetch(`${on.url}/socket.io/?${query}`, { headers: { connection: 'close', ...headers }, ...rest });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** A session by polling. */
async function session(on = host) {
  const opened = await ask('EIO=4&transport=polling', { on });
  assert.equal(opened.status, 200);
  assert.equal(opened.text[0], '0');
  const about = JSON.parse(opened.text.slice(1));
  const query = `EIO=4&transport=polling&sid=${about.sid}`;
  const one = {
    ...about,
    poll: (options = {}) => ask(query, { on, ...options }),
    post: (body, options = {}) => ask(query, { on, method: 'POST', body, ...options }),
    /** In the namespace, its answer taken. */
    join: async () => {
      assert.equal((await one.post(`40${namespace},`)).text, 'ok');
      assert.match((await one.poll()).text, /^40\/ws\/echo,\{"sid":/);
      return one;
    },
  };
  return one;
}

/** A WebSocket: `next()` is the next message, `closed` its close code. */
async function socket(query, on = host) {
  const raw = new WebSocket(`${on.url.replace('http', 'ws')}/socket.io/?${query}`);
  const messages = [];
  raw.on('message', (data, binary) => messages.push(binary ? data : `${data}`));
  const closed = new Promise((resolve) => raw.once('close', resolve));
  await once(raw, 'open');
  let read = 0;
  return {
    raw, closed,
    send: (data) => raw.send(data),
    next: async () => { await eventually(() => messages.length > read, 'a message'); return messages[read++]; },
  };
}

const said = (text) => `42${namespace},["message","${text}"]`;

async function metric(name, on = host) {
  const { text } = await on.admin('GET', '/metrics');
  return Number(new RegExp(`^mimus_${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

test('a handshake tells what the session is', async () => {
  const one = await session();
  assert.deepEqual(one.upgrades, ['websocket']);
  assert.deepEqual([one.pingInterval, one.pingTimeout, one.maxPayload], [25000, 20000, 1000000]);
  assert.ok(one.sid.length >= 20 + 2);
  const two = await socket('EIO=4&transport=websocket');
  const about = JSON.parse((await two.next()).slice(1));
  assert.deepEqual(Object.keys(about).sort(), ['maxPayload', 'pingInterval', 'pingTimeout', 'sid', 'upgrades']);
  assert.deepEqual(about.upgrades, []);
  two.raw.close();
});

test('what is no request of the protocol is refused with its code', async () => {
  const { sid } = await session();
  for (const [query, method, code, message] of [
    ['EIO=4', 'GET', 0, 'Transport unknown'],
    ['EIO=4&transport=abc', 'GET', 0, 'Transport unknown'],
    ['EIO=4&transport=polling&sid=nobody', 'GET', 1, 'Session ID unknown'],
    [`EIO=4&transport=polling&sid=00${'A'.repeat(20)}`, 'POST', 1, 'Session ID unknown'],
    [`EIO=4&transport=polling&sid=01${'A'.repeat(20)}`, 'GET', 1, 'Session ID unknown'],
    ['EIO=4&transport=polling', 'POST', 2, 'Bad handshake method'],
    ['EIO=4&transport=polling', 'PUT', 2, 'Bad handshake method'],
    ['EIO=4&transport=websocket', 'GET', 3, 'Bad request'],
    [`EIO=4&transport=polling&sid=${sid}`, 'DELETE', 3, 'Bad request'],
    ['transport=polling', 'GET', 5, 'Unsupported protocol version'],
    ['EIO=3&transport=polling', 'GET', 5, 'Unsupported protocol version'],
  ]) {
    const answer = await ask(query, { method });
    assert.equal(answer.status, 400, query);
    assert.deepEqual(JSON.parse(answer.text), { code, message }, query);
  }
  for (const query of ['transport=websocket', 'EIO=4', 'EIO=4&transport=websocket&sid=nobody']) {
    await assert.rejects(socket(query), /400/, query);
  }
});

test('both workers have sessions, and each request finds its own', async () => {
  const workers = new Set();
  for (let i = 0; workers.size < 2 || i < 10; ++i) {
    assert.ok(i < 200, 'the kernel gives connections to both workers');
    const one = await (await session()).join();
    workers.add(one.sid.slice(0, 2));
    for (let n = 0; n < 3; ++n) {
      const waiting = one.poll();
      assert.equal((await one.post(said(n))).text, 'ok');
      assert.equal((await waiting).text, said(n));
    }
    await one.post('1');
  }
  assert.deepEqual([...workers].sort(), ['00', '01']);
});

test('payloads carry several packets, and binaries in base 64', async () => {
  const one = await (await session()).join();
  assert.equal((await one.post([said('a'), said('b'), said('c')].join(separator))).text, 'ok');
  const answer = await one.poll();
  assert.equal(answer.text, [said('a'), said('b'), said('c')].join(separator));
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=UTF-8');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const binary = [`451-${namespace},["message",{"_placeholder":true,"num":0}]`, 'bAQIDBA=='].join(separator);
  assert.equal((await one.post(binary)).text, 'ok');
  assert.equal((await one.poll()).text, binary);
});

test('a body that is no payload ends the session', async () => {
  for (const body of ['abc', '', '2', `6${separator}`, Buffer.from([0x34, 0xff])]) {
    const one = await session();
    assert.equal((await one.post(body)).status, 400, `${body}`);
    assert.equal((await one.poll()).status, 400, `${body}`);
  }
});

test('a second poll ends the session', async () => {
  const one = await session();
  const polls = [];
  await host.inHand(() => polls.push(one.poll()));
  polls.push(one.poll());
  assert.deepEqual((await Promise.all(polls)).map((p) => [p.status, p.text]).sort(), [
    [200, '1'], [400, '{"code":3,"message":"Bad request"}'],
  ]);
  assert.equal((await one.poll()).status, 400);
});

test('a client that goes away from its poll ends the session', async () => {
  const one = await session();
  assert.equal((await one.post('6')).status, 200);
  const client = connect(host.port, '127.0.0.1');
  client.write(`GET /socket.io/?EIO=4&transport=polling&sid=${one.sid} HTTP/1.1\r\nHost: x\r\n\r\n`);
  client.end();
  await eventually(async () => (await one.post('6')).status === 400, 'its end');
});

test('a goodbye by POST ends the poll that waits, or comes just behind', async () => {
  await eventually(async () => {
    const one = await session();
    const began = performance.now();
    const [poll] = await Promise.all([one.poll(), one.post('1')]);
    if (poll.status === 400 && performance.now() - began > 900) return false;  // not just behind
    assert.deepEqual([poll.status, poll.text], [200, '6']);
    assert.equal((await one.poll()).status, 400);
    return true;
  }, 'a poll and a goodbye that cross');
});

test('a session moves to a WebSocket, and what is said meanwhile arrives once and in order', async () => {
  const one = await (await session()).join();
  const all = Array.from({ length: 60 }, (_, n) => said(n));
  const received = [];
  const take = (text) => received.push(...text.split(separator).filter((p) => p !== '6'));
  for (const text of all.slice(0, 20)) await one.post(text);
  const next = await socket(`EIO=4&transport=websocket&sid=${one.sid}`);
  next.send('2probe');
  assert.equal(await next.next(), '3probe');
  take((await one.poll()).text);
  for (const text of all.slice(20, 40)) await one.post(text);
  next.send('5');
  for (const text of all.slice(40)) next.send(text);
  while (received.length < all.length) take(await next.next());
  assert.deepEqual(received, all);
  assert.equal((await one.poll()).status, 400);
  assert.equal((await one.post(said('late'))).status, 400);
  const late = await socket(`EIO=4&transport=websocket&sid=${one.sid}`);
  assert.equal(await late.closed, 1005);
  next.send(said('still'));
  assert.equal(await next.next(), said('still'));
  next.raw.close();
});

test('a poll that waits comes back when the client upgrades', async () => {
  const one = await session();
  const waiting = one.poll();
  const next = await socket(`EIO=4&transport=websocket&sid=${one.sid}`);
  next.send('2probe');
  assert.equal(await next.next(), '3probe');
  assert.equal((await waiting).text, '6');
  next.raw.close();
});

test('a probe that fails leaves the session to polling', async () => {
  const one = await (await session()).join();
  const next = await socket(`EIO=4&transport=websocket&sid=${one.sid}`);
  next.send('4early');
  assert.equal(await next.closed, 1005);
  assert.equal((await one.post(said('on'))).text, 'ok');
  assert.equal((await one.poll()).text, said('on'));
});

test('a WebSocket carries packets as messages, and a bad one ends the session', async () => {
  const one = await socket('EIO=4&transport=websocket');
  await one.next();
  one.send(`40${namespace},`);
  assert.match(await one.next(), /^40\/ws\/echo,/);
  one.send(said('hello'));
  assert.equal(await one.next(), said('hello'));
  const head = `451-${namespace},["message",{"_placeholder":true,"num":0}]`;
  one.send(head);
  one.send(Buffer.from([1, 2, 3, 4]));
  assert.equal(await one.next(), head);
  assert.deepEqual(await one.next(), Buffer.from([1, 2, 3, 4]));
  one.send('abc');
  assert.equal(await one.closed, 1005);
  const other = await socket('EIO=4&transport=websocket');
  other.send('1');
  assert.equal(await other.closed, 1005);
});

test('pages of any origin may poll', async () => {
  const headers = { origin: 'https://page.example' };
  const opened = await ask('EIO=4&transport=polling', { headers });
  assert.equal(opened.headers.get('access-control-allow-origin'), 'https://page.example');
  assert.equal(opened.headers.get('access-control-allow-credentials'), 'true');
  assert.equal(opened.headers.get('vary'), 'Origin');
  const asked = await ask('EIO=4&transport=polling', {
    method: 'OPTIONS',
    headers: { ...headers, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-token' },
  });
  assert.deepEqual([asked.status, asked.text], [204, '']);
  assert.equal(asked.headers.get('access-control-allow-methods'), 'GET, POST');
  assert.equal(asked.headers.get('access-control-allow-headers'), 'x-token');
});

test('the host pings, by either transport, and ends who does not answer', async () => {
  await told({ pingInterval: 200, pingTimeout: 30_000 }, async (own) => {
    const one = await session(own);
    assert.deepEqual([one.pingInterval, one.pingTimeout], [200, 30_000]);
    const two = await socket('EIO=4&transport=websocket', own);
    await two.next();
    for (let n = 0; n < 3; ++n) {
      assert.equal((await one.poll()).text, '2');
      assert.equal((await one.post('3')).text, 'ok');
      assert.equal(await two.next(), '2');
      two.send('3');
    }
    two.raw.close();
    await two.closed;
  });
  await told({ pingInterval: 100, pingTimeout: 100 }, async (own) => {
    const one = await session(own);
    const two = await socket('EIO=4&transport=websocket', own);
    assert.equal(await two.closed, 1005);
    await eventually(async () => (await metric('engine_sessions_active', own)) === 0, 'their end');
    assert.equal((await one.poll()).status, 400);
  });
});

test('more than maxPayload is refused', async () => {
  await told({ maxPayload: 1000 }, async (own) => {
    const one = await session(own);
    assert.equal(one.maxPayload, 1000);
    assert.equal((await one.post(`4${'x'.repeat(1000)}`)).status, 413);
    const two = await socket('EIO=4&transport=websocket', own);
    two.send(`4${'x'.repeat(1000)}`);
    assert.equal(await two.closed, 1009);
  });
});

test('polls and WebSockets are told when the host stops', async () => {
  await told({}, async (own) => {
    const one = await session(own);
    const two = await socket('EIO=4&transport=websocket', own);
    await two.next();
    let waiting;
    await own.inHand(() => { waiting = one.poll(); });
    own.child.kill('SIGTERM');
    assert.equal((await waiting).text, '1');
    assert.equal(await two.closed, 1001);
  });
});

test('a thousand sessions leave nothing', async () => {
  await told({ pingInterval: 500, pingTimeout: 500 }, async (own) => {
    const before = await metric('timers_armed', own);
    const one = async (n) => {
      if (n % 2 === 0) {
        const two = await socket('EIO=4&transport=websocket', own);
        await two.next();
        if (n % 4 === 0) two.send(`40${namespace},`);
        if (n % 3 === 0) return two.raw.terminate();
        two.raw.close();
        return two.closed;
      }
      const { sid, post } = await session(own);
      if (n % 3 === 0) return post('1');
      if (n % 3 === 1) return undefined;
      // A poll whose client goes.
      const client = connect(own.port, '127.0.0.1');
      client.on('error', () => {});
      client.write(`GET /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(client, 'connect');
      return client.resetAndDestroy?.() ?? client.destroy();
    };
    for (let n = 0; n < 1000; n += 20) await Promise.all(Array.from({ length: 20 }, (_, i) => one(n + i)));
    await eventually(async () => (await metric('engine_sessions_active', own)) === 0, 'the end of all sessions');
    await eventually(async () => (await metric('timers_armed', own)) <= before + 10, 'the end of their timers');
  });
});
