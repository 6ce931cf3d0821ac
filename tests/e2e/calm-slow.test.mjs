// Clients that are slow, half gone or gone: they end by the limits, and nobody else notices.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { ask, assertGrowth, besideAHealthyClient, cpuSeconds, descriptors, dial, get, many, metrics, pause, sanitized, startWith } from './calm.mjs';
import { eventually } from './check.mjs';
import { upstream } from './host.mjs';

const timeout = 3000;
const reader = 'request_timeouts_total{waiting_for="reader"}';

let host;
let up;
before(async () => {
  up = await upstream((request, response) => {
    const more = () => { while (!response.destroyed && response.write('u'.repeat(65536))); };
    response.on('drain', more);
    more();
  });
  host = await startWith({ headerTimeoutMs: timeout, bodyTimeoutMs: timeout, writeTimeoutMs: timeout });
  await host.api('c', [
    { method: 'GET', path: '/x', responses: [{ body: 'x' }] },
    { method: 'POST', path: '/read', deduplication: true, responses: [{ body: 'read' }] },
    { method: 'GET', path: '/late', responses: [{ body: 'late', delayMs: 1000 }] },
    { method: 'GET', path: '/large', responses: [{ body: 'L'.repeat(1 << 20) }] },
    { method: 'GET', path: '/endless', proxyMode: true, proxyTarget: `${up.url}/` },
  ]);
});
after(async () => {
  assert.doesNotMatch(host.errors, /Z error /);
  assert.equal(await host.stop(), 0);
  await up.stop();
});

/** Runs `abuse` while a healthy client asks, within some MiB; gives by how much each counter has grown. */
async function beside(t, abuse, ceiling = 20) {
  const old = await metrics(host);
  await assertGrowth(t, host, ceiling, () => besideAHealthyClient(t, host, '/mock/c/x', abuse));
  const now = await metrics(host);
  return (name) => now[name] - old[name];
}

/** Sends `first`, then `drop` again and again until the server has closed. */
async function drip(first, drop) {
  const socket = await dial(host);
  if (first !== '') socket.write(first);
  const timer = setInterval(() => { if (drop !== '' && socket.writable) socket.write(drop); }, 500);
  await socket.gone;
  clearInterval(timer);
  return socket.text;
}

test('slow headers', async (t) => {
  const grown = await beside(t, async () => {
    const [dripped, silent] = await Promise.all([
      many(100, () => drip('GET /mock/c/x HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n')), many(25, () => drip('', ''))]);
    for (const text of dripped) assert.match(text, /^HTTP\/1\.1 408 [^]*request-timeout/);
    for (const text of silent) assert.equal(text, '');
  });
  assert.equal(grown('request_timeouts_total{waiting_for="header"}'), 125);
  assert.equal(grown('requests_refused_total{status="408"}'), 100);
});

test('slow bodies, which are journalled as the 408 that their clients were told', async (t) => {
  const head = 'POST /mock/c/read HTTP/1.1\r\nHost: x\r\n';
  const grown = await beside(t, async () => {
    const texts = await many(100, (i) => (i % 2 ? drip(`${head}Content-Length: 1000\r\n\r\n`, 'b')
      : drip(`${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nb\r\n')));
    for (const text of texts) assert.match(text, /^HTTP\/1\.1 408 [^]*request-timeout/);
  });
  assert.equal(grown('request_timeouts_total{waiting_for="body"}'), 100);
  assert.equal(grown('requests_refused_total{status="408"}'), 100);
  const records = await host.requests('?limit=1000&method=POST');
  assert.equal(records.length, 100);
  for (const record of records) {
    assert.deepEqual([record.status, record.error], [408, 'request-timeout']);
    assert.ok(record.requestSize > 0 && record.requestSize < 100, `${record.requestSize} bytes`);
    assert.ok(record.responseSize > 100, 'the problem was sent');
  }
});

test('a garbled body is journalled as the 400 that its client was told', async () => {
  const before = (await host.requests('?limit=1000&method=POST&status=400')).length;
  const socket = await dial(host);
  const waiting = await ask(socket, 'POST /mock/c/read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n');
  assert.match(waiting, /^HTTP\/1\.1 100 /, 'it was routed');
  assert.match(await ask(socket, '3\r\nabc\r\nxyz\r\n'), /^HTTP\/1\.1 400 /);
  const records = await host.requests('?limit=1000&method=POST&status=400');
  assert.equal(records.length, before + 1);
  assert.equal(records[0].error, 'bad-request');
  assert.equal(records[0].requestSize, 3);
});

test('readers who take nothing of large answers, from here and from an upstream', async (t) => {
  await beside(t, async () => {
    const n = sanitized ? 10 : 40;
    const sockets = await many(n, async (i) => {
      const socket = await dial(host, { paused: true });
      socket.write(i % 2 ? get('/mock/c/endless') : get('/mock/c/large').repeat(64));
      return socket;
    });
    const old = (await metrics(host))[reader];
    await eventually(async () => (await metrics(host))[reader] - old === n, 'those who do not read are closed', 60_000);
    for (const socket of sockets) socket.destroy();
  }, 20 * 4);
});

test('clients who end their sending are answered, or closed where nothing can come', async (t) => {
  await beside(t, async () => {
    const rows = [[get('/mock/c/late'), /^HTTP\/1\.1 200 [^]*late$/], [get('/mock/c/x'), /^HTTP\/1\.1 200 [^]*x$/],
      ['', /^$/], ['GET /mock/c/x HT', /^$/], ['POST /mock/c/read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc', /^$/]];
    await many(200, async (i) => {
      const [bytes, wanted] = rows[i % rows.length];
      const socket = await dial(host);
      socket.end(bytes);
      assert.equal(await socket.gone, 'end');
      assert.match(socket.text, wanted);
    });
  });
});

test('half-closed clients who wait for an answer cost no time', async (t) => {
  const since = cpuSeconds(host);
  await many(100, async () => {
    const socket = await dial(host);
    socket.end(get('/mock/c/late'));
    await socket.gone;
  });
  const used = cpuSeconds(host) - since;
  t.diagnostic(`${used} s of CPU in the second that they waited`);
  if (!sanitized) assert.ok(used < 0.5, `${used} s`);
});

test('resets in the middle of whatever it is leave nothing behind', async (t) => {
  const whole = get('/mock/c/x') + get('/mock/c/late') + get('/mock/c/large') + get('/mock/c/endless')
    + `POST /mock/c/read HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n${'b'.repeat(2000)}`;
  const open = descriptors(host);
  await beside(t, async () => {
    for (let round = 0; round < 4; ++round) {
      await many(100, async (i) => {
        const socket = await dial(host);
        socket.write(whole.slice(0, Math.floor((whole.length * (i + 1)) / 100)));
        await pause((i % 10) * 5);
        socket.resetAndDestroy();
        await socket.gone;
      });
    }
    await eventually(async () => (await metrics(host)).connections_active < 10, 'nobody is left');
    await eventually(() => descriptors(host) <= open + 10, 'no descriptor either');
  });
});

test('clients who send on while they are refused can read why', async (t) => {
  const junk = 'j'.repeat(100_000);
  const rows = [
    ['nonsense\r\n\r\n', 400],
    [`GET /${'u'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
    ['POST /mock/c/read HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n', 413],
    [get('/mock/c/x', 'Connection: close\r\n'), 200],
  ];
  const grown = await beside(t, async () => {
    await many(40, async (i) => {
      const [bytes, status] = rows[i % rows.length];
      const socket = await dial(host);
      socket.write(bytes + junk);
      for (let n = 0; n < 10 && socket.writable; ++n) {
        socket.write(junk);
        await pause(5);
      }
      assert.equal(await socket.gone, 'end');
      assert.match(socket.text, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(socket.text.split('HTTP/1.1').length, 2, 'what came behind is no request');
    });
  });
  for (const status of [400, 413, 414]) assert.equal(grown(`requests_refused_total{status="${status}"}`), 10);
});

test('a refused client who never stops sending is cut off', async (t) => {
  await beside(t, async () => {
    const socket = await dial(host);
    socket.removeAllListeners('end');  // it does not hang up
    socket.write('nonsense\r\n\r\n');
    const timer = setInterval(() => { if (socket.writable) socket.write('j'); }, 50);
    const since = Date.now();
    await socket.gone;
    clearInterval(timer);
    assert.match(socket.text, /^HTTP\/1\.1 400 /);
    assert.ok(Date.now() - since > 2000, 'it had time to read');
  });
});
