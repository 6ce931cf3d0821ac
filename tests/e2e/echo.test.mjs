// A client may send faster than it reads: what it sent waits, and all of it comes back.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { scratch, Host } from './host.mjs';
import { Authority, flagsOf, startSecure } from './secure.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

const long = 'word '.repeat(2000);

let directory, authority, hosts;
before(async () => {
  directory = scratch();
  authority = new Authority(directory.path);
  hosts = { plain: await Host.start(), TLS: await startSecure({ args: flagsOf(authority.make('one', ['127.0.0.1'])), ca: authority.text }) };
  for (const host of Object.values(hosts)) {
    const api = await host.create('/admin/api-definitions', { slug: 'echo' });
    await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/echo', events: [{ trigger: 'message', echo: true }] });
    await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/long-winded', events: [{ trigger: 'message', name: 'answer', payload: long }] });
  }
});
after(async () => {
  for (const host of Object.values(hosts)) assert.equal(await host.stop(), 0);
  directory.remove();
});

for (const kind of ['plain', 'TLS']) {
  for (const [what, size, count] of [
    ['one message of maxMessageBytes', 1 << 20, 1], ['some of more than half of it', 600_000, 4],
    ['many large ones', 100_000, 30], ['very many small ones', 1000, 5000], ['empty ones', 0, 1000],
  ]) {
    test(`${what} sent at once come back, ${kind}`, async () => {
      const socket = new WebSocket(`${hosts[kind].url.replace('http', 'ws')}/ws/echo`, { ca: authority.text, perMessageDeflate: false });
      await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
      let back = 0, differ = 0;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const message = (i) => Buffer.alloc(size, i % 251);
      socket.on('message', (data) => {
        if (!data.equals(message(back))) ++differ;
        if (++back === count) socket.close(1000);
      });
      for (let i = 0; i < count; ++i) socket.send(message(i));
      assert.equal(await closed, 1000);
      assert.deepEqual({ back, differ }, { back: count, differ: 0 });
    });
  }

  test(`answers much longer than what was asked all come, ${kind}`, async () => {
    const socket = new WebSocket(`${hosts[kind].url.replace('http', 'ws')}/ws/long-winded`, { ca: authority.text, perMessageDeflate: false });
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    let back = 0;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('message', (data) => {
      assert.equal(JSON.parse(data).data, long);
      if (++back === 2000) socket.close(1000);
    });
    for (let i = 0; i < 2000; ++i) socket.send('ask');
    assert.deepEqual({ code: await closed, back }, { code: 1000, back: 2000 });
  });
}
