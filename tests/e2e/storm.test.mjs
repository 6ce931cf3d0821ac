// Many clients at once, some of whom leave at any moment, while the definitions change under them.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Host, eventually, upstream } from './host.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');
const seconds = 3;

let host;
let up;
before(async () => {
  host = await Host.start();
  up = await upstream((request, response) => {
    const kind = new URL(request.url, 'http://up').pathname;
    if (kind === '/large') return response.end(Buffer.alloc(300_000, 'l'));
    if (kind === '/broken') return response.write('half', () => request.socket.destroy());
    setTimeout(() => response.end(`slow ${request.url}`), 20);
  });
});
after(async () => {
  await up?.stop();
  assert.equal(await host.stop(), 0);
});

/** The same numbers in every run. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('no request is answered wrongly, and nothing is left behind', async () => {
  const all = { deduplication: true, cacheEnabled: true };
  const proxied = (path, fields) => ({ name: path, method: 'ANY', path, proxyMode: true, proxyTarget: `${up.url}/`, ...fields });
  const api = await host.api('storm', [
    { name: 'plain', method: 'ANY', path: '/plain/:n', responses: [{ body: 'plain' }] },
    { name: 'late', method: 'GET', path: '/late/:n', ...all, responses: [{ body: 'late', delayMs: 15 }] },
    { name: 'strict', method: 'POST', path: '/strict/:n', requestSchema: { required: ['n'] }, responses: [{ body: 'strict' }] },
    proxied('/slow', all), proxied('/large', {}), proxied('/large-kept', { ...all, proxyTarget: `${up.url}/large` }), proxied('/broken', {}),
  ]);
  const channel = await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`,
    { path: '/ws/storm', events: [{ name: 'tick', payload: '{{count}}', trigger: 'interval', interval: 50 }] });
  const end = Date.now() + seconds * 1000;
  const seen = {};
  const going = () => Date.now() < end || Object.keys(sound).some((kind) => kind !== 'broken' && !seen[kind]);
  const wrong = [];
  const sound = {
    plain: (status, text) => status === 200 && text === 'plain', late: (status, text) => status === 200 && text === 'late',
    strict: (status, text) => status === 200 && text === 'strict', slow: (status, text) => status === 200 && text.startsWith('slow /slow'),
    large: (status, text) => status === 200 && text.length === 300_000, 'large-kept': (status, text) => status === 200 && text.length === 300_000,
    broken: (status) => status === 502,
  };

  const client = async (seed) => {
    const random = numbers(seed);
    while (going()) {
      const kind = Object.keys(sound)[random(7)];
      const n = random(3);
      const leaving = random(4) === 0 ? AbortSignal.timeout(1 + random(30)) : undefined;
      const path = ['plain', 'late', 'strict'].includes(kind) ? `/${kind}/${n}` : `/${kind}?n=${n}`;
      try {
        const answer = await host.mock('storm', path, { signal: leaving, ...(kind === 'strict' ? { method: 'POST', body: '{"n":1}' } : {}) });
        const text = await answer.text();
        seen[kind] = (seen[kind] ?? 0) + 1;
        if (!sound[kind](answer.status, text)) wrong.push(`${path}: ${answer.status} ${text.slice(0, 200)}`);
      } catch (error) {
        if (kind !== 'broken' && !leaving?.aborted) wrong.push(`${path}: ${error} ${error.cause ?? ''}`);
      }
    }
  };
  const listener = async (seed) => {
    const random = numbers(seed);
    while (going()) {
      const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws/storm`);
      const closed = new Promise((go) => { socket.on('close', go); });
      socket.on('error', () => {});
      setTimeout(() => (random(2) ? socket.terminate() : socket.close()), random(120));
      await closed;
    }
  };
  const editor = async () => {
    for (let i = 0; going(); ++i) {
      const endpoint = Object.values(api.endpointsByName)[i % 7];
      const edited = await host.admin('PATCH', `/admin/api-definitions/${api.id}/endpoints/${endpoint.id}`, { priority: i % 5 });
      const made = await host.create(`/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: `/extra/${i}` });
      const gone = await host.admin('DELETE', `/admin/api-definitions/${api.id}/endpoints/${made.id}`);
      const read = await host.admin('GET', '/admin/analytics/summary?by=endpoint');
      if (i % 10 === 9) await host.admin('DELETE', '/admin/dedup');
      if (edited.status !== 200 || gone.status !== 204 || read.status !== 200) wrong.push(`${edited.text} ${gone.text} ${read.text}`);
    }
  };
  await Promise.all([...Array.from({ length: 40 }, (_, i) => client(i + 1)), ...Array.from({ length: 10 }, (_, i) => listener(i + 1)), editor()]);

  assert.deepEqual(wrong, []);
  for (const kind of Object.keys(sound).filter((one) => one !== 'broken')) assert.ok(seen[kind] > 0, kind);
  const connections = async () => (await host.admin('GET', `/admin/websocket-endpoints/${channel.id}/connections`)).json.items;
  await eventually(async () => (await connections()).length === 0, 'the end of all connections');
  const total = Object.values(seen).reduce((sum, n) => sum + n, 0);
  const json = await eventually(async () => {
    const summary = (await host.admin('GET', `/admin/analytics/summary?apiId=${api.id}`)).json;
    return !summary.stale && summary;
  }, 'a journal that has caught up');
  assert.ok(json.total.count >= total, `${json.total.count} of ${total} are in the journal`);
});
