// Clients who send much: long pipelines are answered in order, requests at each limit are taken, beyond it refused.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { assertGrowth, besideAHealthyClient, dial, get, many, metrics, sanitized, startWith } from './calm.mjs';
import { answersIn, eventually } from './check.mjs';

const last = 'Connection: close\r\n';

let host;
before(async () => {
  host = await startWith({ writeTimeoutMs: sanitized ? 10_000 : 4000 });
  await host.api('b', [
    { method: 'ANY', path: '/x', responses: [{ body: 'x' }] },
    { method: 'GET', path: '/late', responses: [{ body: 'late', delayMs: 5 }] },
    { method: 'GET', path: '/some', responses: [{ body: 's'.repeat(10_000) }] },
    { method: 'POST', path: '/read', deduplication: true, responses: [{ body: 'read' }] },
  ]);
});
after(async () => {
  assert.doesNotMatch(host.errors, /Z error /);
  assert.equal(await host.stop(), 0);
});

const beside = (t, abuse, ceiling) => assertGrowth(t, host, ceiling, () => besideAHealthyClient(t, host, '/mock/b/x', abuse));

test('10,000 requests in one connection are answered in order', async (t) => {
  const n = 10_000;
  let bytes = '';
  // Each tenth is a miss, whose problem names its path; some are answered late.
  for (let i = 0; i < n; ++i) bytes += get(i % 10 === 0 ? `/mock/b/none/${i}` : i % 500 === 3 ? '/mock/b/late' : '/mock/b/x', i === n - 1 ? last : '');
  await beside(t, async () => {
    for (const pieces of [1, 1000]) {
      const socket = await dial(host);
      for (let i = 0; i < pieces; ++i) {
        const piece = bytes.slice((bytes.length / pieces) * i, (bytes.length / pieces) * (i + 1));
        if (!socket.write(piece)) await once(socket, 'drain');
      }
      assert.equal(await socket.gone, 'end');
      const answers = answersIn(socket.text);
      assert.equal(answers.length, n);
      for (const [i, { status, body }] of answers.entries()) {
        if (i % 10 === 0) assert.equal(JSON.parse(body).instance, `/mock/b/none/${i}`);
        else assert.deepEqual([status, body], [200, i % 500 === 3 ? 'late' : 'x']);
      }
    }
  }, 20);
});

test('those who pipeline 10,000 requests and read no answer cost some 100 KiB each, until they are cut off', async (t) => {
  const old = await metrics(host);
  const reader = 'request_timeouts_total{waiting_for="reader"}';
  await beside(t, async () => {
    const sockets = await many(30, async () => {
      const socket = await dial(host, { paused: true });
      socket.write(get('/mock/b/some').repeat(10_000));
      return socket;
    });
    await eventually(async () => (await metrics(host))[reader] - old[reader] === 30, 'they are cut off', 60_000);
    for (const socket of sockets) socket.destroy();
  }, 30);
});

test('requests at each limit are taken, over it refused and counted, by the hundred', async (t) => {
  const field = (size) => `X: ${'h'.repeat(size - 5)}\r\n`;
  const headOf = (size) => { const rest = get('/mock/b/x', last).length; return get('/mock/b/x', last + field(size - rest)); };
  const fields = (n) => get('/mock/b/x', last + 'A: b\r\n'.repeat(n - 2));
  const target = (size) => get(`/mock/b/x?${'q'.repeat(size - '/mock/b/x?'.length)}`, last);
  const keys = (n) => get(`/mock/b/x?${'a&'.repeat(n - 1)}a`, last);
  const body = (size) => `POST /mock/b/read HTTP/1.1\r\nHost: x\r\n${last}Content-Length: ${size}\r\n\r\n${'b'.repeat(size)}`;
  const chunk = (size) => `POST /mock/b/read HTTP/1.1\r\nHost: x\r\n${last}Transfer-Encoding: chunked\r\n\r\n1;${'e'.repeat(size - 3)}\r\nb\r\n0\r\n\r\n`;
  const rows = [  // name, request of a size, the largest size, the status beyond it, how often
    ['the head', headOf, 32 << 10, 431, 100],
    ['fields', fields, 100, 431, 100],
    ['the target', target, 8 << 10, 414, 100],
    ['query keys', keys, 1000, 400, 100],
    ['the body', body, 10 << 20, 413, 2],
    ['a chunk\'s line', chunk, 256, 400, 100],
  ];
  const old = await metrics(host);
  const wanted = {};
  await beside(t, async () => {
    for (const [name, make, limit, status, n] of rows) {
      wanted[status] = (wanted[status] ?? 0) + n;
      const [at, over] = [make(limit), make(limit + 1)];
      await many(n, async () => {
        const [good] = answersIn(await host.raw(at));
        assert.equal(good.status, 200, `${name} of ${limit}`);
        const [bad] = answersIn(await host.raw(over));
        assert.equal(bad.status, status, `${name} of ${limit + 1}`);
        assert.match(bad.headers.connection, /close/);
      });
    }
  }, 120);
  const now = await metrics(host);
  for (const [status, n] of Object.entries(wanted)) {
    const name = `requests_refused_total{status="${status}"}`;
    assert.equal(now[name] - old[name], n, name);
  }
});
