// permessage-deflate, met by clients of others and by one who means ill.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { deflateRawSync, constants } from 'node:zlib';
import { Host, eventually } from './host.mjs';
import { assertGrowth } from './calm.mjs';
import { Client, frameBytes } from './websocket_client.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host, endpoint;
before(async () => {
  host = await Host.start({ workers: 1 });
  const api = await host.create('/admin/api-definitions', { slug: 'deflate' });
  endpoint = await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/echo', events: [{ trigger: 'message', echo: true }] });
});
after(async () => { assert.equal(await host.stop(), 0); });

const large = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'] })));
const compressed = (payload) => {
  const out = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return out.subarray(0, out.length - 4);
};

/** npm's ws with these options, let in. */
async function open(perMessageDeflate) {
  const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws/echo`, { perMessageDeflate });
  let agreed = '';
  socket.once('upgrade', (answer) => (agreed = answer.headers['sec-websocket-extensions'] ?? ''));
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  const next = () => new Promise((resolve) => socket.once('message', (data) => resolve(`${data}`)));
  return { socket, agreed, next, close: () => new Promise((resolve) => { socket.once('close', resolve); socket.close(); }) };
}

test("npm's ws agrees, whatever it offers, and gets back what it sent", async () => {
  for (const [name, options, agreed] of [
    ['its default', true, /^permessage-deflate; server_no_context_takeover; client_no_context_takeover$/],
    ['a small window', { serverMaxWindowBits: 9 }, /server_max_window_bits=9$/],
    ['all', { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 10, threshold: 0 }, /server_max_window_bits=10$/],
    ['nothing', false, /^$/],
  ]) {
    const one = await open(options);
    assert.match(one.agreed, agreed, name);
    for (const payload of [large, 'small', '', large]) {
      const before = one.socket._socket.bytesRead;
      const answer = one.next();
      one.socket.send(payload);
      assert.equal(await answer, payload, name);
      const share = (one.socket._socket.bytesRead - before) / (payload.length + 10);
      if (payload === large) assert.ok(options ? share < 0.3 : share > 0.9, `${name}: ${share} of it came`);
    }
    await one.close();
  }
});

test('a broadcast reaches each as it agreed on', async () => {
  const clients = await Promise.all([true, { serverMaxWindowBits: 9 }, false, true].map(open));
  const texts = clients.map((one) => one.next());
  const sent = await host.admin('POST', `/admin/websocket-endpoints/${endpoint.id}/connections/broadcast`, { name: 'news', payload: large });
  assert.equal(sent.json.sent, 4);
  for (const text of texts) assert.deepEqual(JSON.parse(await text), { event: 'news', data: large });
  for (const one of clients) await one.close();
});

test("Python's websockets agrees, too", async (t) => {
  const python = (...args) => promisify(execFile)('/usr/bin/python3', args);  // Debian's, which has its packages
  try { await python('-c', 'import websockets'); } catch { return t.skip('python3-websockets is not installed'); }
  await python('-c', `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], max_size=None) as ws:
        assert [e.name for e in ws.extensions] == ["permessage-deflate"], ws.extensions
        for payload in ["x" * 100000, "small", "", bytes(range(256)) * 100]:
            await ws.send(payload)
            assert await ws.recv() == payload
        await ws.send(["a fragment, " * 1000 for i in range(9)])
        assert await ws.recv() == "a fragment, " * 9000
asyncio.run(main())
`, `${host.url.replace('http', 'ws')}/ws/echo`);
});

test('a handshake whose extensions are no list is refused', async () => {
  const offer = (value) => Client.open(host.port, '/ws/echo', [`Sec-WebSocket-Extensions: ${value}`]);
  for (const value of ['permessage-deflate; =', '"', 'permessage-deflate;', 'a b']) {
    await assert.rejects(offer(value), /HTTP\/1\.1 400 /, value);
  }
  for (const value of ['permessage-deflate; unknown', 'permessage-deflate; server_max_window_bits=16', 'x-other']) {
    const client = await offer(value);
    assert.equal(client.extensions, '', value);
    client.drop();
  }
});

test('a thousand who leave within a message leave nothing behind', async (t) => {
  const bytes = Buffer.concat([
    frameBytes(1, compressed(large).subarray(0, 900), { fin: false, rsv: 4 }), frameBytes(9, Buffer.from('ping')),
    frameBytes(0, compressed(large).subarray(900)), frameBytes(2, Buffer.alloc(9000)),
  ]);
  const leave = async (i) => {
    const client = await Client.open(host.port, '/ws/echo', ['Sec-WebSocket-Extensions: permessage-deflate']);
    await client.send(bytes.subarray(0, i % bytes.length));
    if (i % 3 === 0) client.socket.resetAndDestroy();
    else client.drop();
  };
  await assertGrowth(t, host, 16, async () => {
    for (let i = 0; i < 1000; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => leave((i + k) * 11)));
    await eventually(async () => (await host.admin('GET', `/admin/websocket-endpoints/${endpoint.id}/connections`)).json.items.length === 0, 'an empty list');
  });
});

test('a bomb is 1009 and takes no memory', async (t) => {
  const bomb = compressed(Buffer.alloc(256 << 20));
  assert.ok(bomb.length < 1 << 20, 'it is within the limit as it comes');
  await assertGrowth(t, host, 16, async () => {
    for (let i = 0; i < 4; ++i) {
      const client = await Client.open(host.port, '/ws/echo', ['Sec-WebSocket-Extensions: permessage-deflate']);
      await client.send(frameBytes(2, bomb, { rsv: 4 }));
      await client.until(() => client.remoteCode !== undefined);
      assert.equal(client.remoteCode, 1009);
      await client.ended;
    }
  });
});
