// SIGTERM under full load: what was journalled was answered, what was answered is whole, the rest never began.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Host, scratch } from './host.mjs';
import { get, many, pause, sanitized } from './calm.mjs';

const rounds = sanitized ? 2 : 4;

/**
 * A client that keeps `depth` requests in flight on one connection until it is closed. Whole answers
 * go into `answered` by the request's number; resolves with what was left over and how it ended.
 */
function client(port, numbers, answered, depth, path) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const inFlight = [];
    let text = '';
    let how = 'end';
    let closing = false;
    const send = () => {
      let bytes = '';
      while (inFlight.length < depth && !closing) {
        inFlight.push(numbers.next++);
        bytes += get(`${path}?n=${inFlight.at(-1)}`);
      }
      if (bytes !== '' && socket.writable) socket.write(bytes);
    };
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) break;
        const size = end + 4 + Number(/\r\nContent-Length: (\d+)/.exec(text.slice(0, end))?.[1]);
        if (text.length < size) break;
        closing ||= /\r\nConnection: close/.test(text.slice(0, end));
        answered.set(inFlight.shift(), text.slice(9, 12));
        text = text.slice(size);
      }
      send();
    });
    socket.on('error', (error) => { how = error.code; });
    socket.on('close', () => resolve({ left: text, how }));
  });
}

/** Clients that come one after the other, for one request each, until nobody listens any more. */
async function comers(port, numbers, answered, ends) {
  for (;;) {
    const { left, how } = await new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      const mine = numbers.next++;
      let text = '';
      let ended = 'end';
      socket.on('connect', () => socket.write(get(`/mock/d/x?n=${mine}`, 'Connection: close\r\n')));
      socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
      socket.on('error', (error) => { ended = error.code; });
      socket.on('close', () => {
        const whole = /^HTTP\/1\.1 200 [^]*\r\n\r\nx$/.test(text);
        if (whole) answered.set(mine, '200');
        resolve({ left: whole ? '' : text, how: ended });
      });
    });
    ends.push({ left, how });
    if (how === 'ECONNREFUSED') return;
  }
}

/** The numbers of the requests in the journal, with their statuses. */
async function journalled(host) {
  const found = new Map();
  for (let cursor = ''; cursor !== null;) {
    const page = await host.admin('GET', `/admin/requests?limit=1000${cursor && `&cursor=${cursor}`}`);
    if (page.json.stale) continue;
    for (const { query, status } of page.json.items) found.set(Number(/n=(\d+)/.exec(query)[1]), `${status}`);
    cursor = page.json.nextCursor;
  }
  return found;
}

for (let round = 1; round <= rounds; ++round) {
  test(`SIGTERM under full load loses no accepted request, round ${round}`, async (t) => {
    const directory = scratch();
    const host = await Host.start({ data: directory.path });
    await host.api('d', [
      { method: 'GET', path: '/x', responses: [{ body: 'x' }] },
      { method: 'GET', path: '/late', responses: [{ body: 'late', delayMs: 15 }] },
      { method: 'GET', path: '/large', responses: [{ body: 'l'.repeat(100_000) }] },
    ]);
    const numbers = { next: 0 };
    const answered = new Map();
    const ends = [];
    const all = [
      many(50, () => client(host.port, numbers, answered, 1, '/mock/d/x')),
      many(20, () => client(host.port, numbers, answered, 1, '/mock/d/late')),
      many(20, () => client(host.port, numbers, answered, 100, '/mock/d/x')),
      many(5, () => client(host.port, numbers, answered, 20, '/mock/d/late')),
      many(5, () => client(host.port, numbers, answered, 3, '/mock/d/large')),
      many(10, () => comers(host.port, numbers, answered, ends)),
    ];
    await pause(200 + 100 * round);
    const since = Date.now();
    host.child.kill('SIGTERM');
    for (const kept of (await Promise.all(all)).flat()) if (kept) ends.push(kept);
    assert.deepEqual(await host.exited, [0, null]);
    t.diagnostic(`${answered.size} of ${numbers.next} requests answered; ended ${Date.now() - since} ms after the signal`);

    for (const { left, how } of ends) {
      assert.equal(left, '', 'no answer is cut short');
      assert.ok(['end', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(how), how);
    }
    const next = await Host.start({ data: directory.path });
    const records = await journalled(next);
    assert.equal(await next.stop(), 0);
    directory.remove();
    const lost = [...records].filter(([n]) => !answered.has(n));
    assert.deepEqual(lost, [], 'what was journalled was answered');
    assert.equal(records.size, answered.size);
    assert.ok([...records.values(), ...answered.values()].every((status) => status === '200'));
  });
}
