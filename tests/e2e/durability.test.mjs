// What was acknowledged is there after kill -9, whenever it comes; a clean stop loses nothing.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Host, scratch } from './host.mjs';

const apis = '/admin/api-definitions';
const kills = 50;  // fewer where they take minutes

/** All pages of a list. */
async function all(host, path) {
  const items = [];
  for (let cursor = null; ;) {
    const page = await host.admin('GET', `${path}?limit=1000${cursor ? `&cursor=${cursor}` : ''}`);
    assert.equal(page.status, 200, page.text);
    items.push(...page.json.items);
    cursor = page.json.nextCursor;
    if (cursor === null) return items;
  }
}

/** Writes until the host is gone; every answer that came is noted in `state` before the next write. */
async function writeUntilDeath(host, api, state, writer) {
  const list = `${apis}/${api}/endpoints`;
  for (let turn = 0; ; ++turn) {
    const name = `${state.round}-${writer}-${turn}`;
    try {
      const kind = turn % 4;
      if (kind < 2 || state.mine[writer].length === 0) {
        state.unsure.set(name, 'made');
        const made = await host.admin('POST', list, { name, method: 'GET', path: `/${name}`, responses: [{ json: { name, step: 1 } }] });
        assert.equal(made.status, 201, made.text);
        state.known.set(name, { id: made.json.id, step: 1 });
        state.mine[writer].push(name);
        state.unsure.delete(name);
      } else {
        const victim = state.mine[writer][0];
        const { id, step } = state.known.get(victim);
        if (kind === 2) {
          state.unsure.set(victim, 'changed');
          const changed = await host.admin('PATCH', `${list}/${id}`, { responses: [{ json: { name: victim, step: step + 1 } }] });
          assert.equal(changed.status, 200, changed.text);
          state.known.set(victim, { id, step: step + 1 });
        } else {
          state.unsure.set(victim, 'deleted');
          const gone = await host.admin('DELETE', `${list}/${id}`);
          assert.equal(gone.status, 204, gone.text);
          state.known.delete(victim);
          state.mine[writer].shift();
        }
        state.unsure.delete(victim);
      }
      ++state.acknowledged;
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      return;  // the connection died: what was under way may or may not be there
    }
  }
}

/** Everything acknowledged is there as it was acknowledged; what was unsure becomes known. */
async function verify(host, api, state) {
  const stored = new Map((await all(host, `${apis}/${api}/endpoints`)).map((one) => [one.name, one]));
  for (const [name, { id, step }] of state.known) {
    const one = stored.get(name);
    const doubt = state.unsure.get(name);
    if (one === undefined) {
      assert.equal(doubt, 'deleted', `${name}, acknowledged at step ${step}, is gone`);
      continue;
    }
    assert.equal(one.id, id);
    const now = one.responses[0].json.step;
    if (doubt === 'changed') assert.ok(now === step || now === step + 1, `${name} is at ${now}`);
    else assert.equal(now, step, `${name} was acknowledged at step ${step}`);
  }
  for (const name of stored.keys()) {
    assert.ok(state.known.has(name) || state.unsure.get(name) === 'made', `${name} was deleted, or never made`);
  }
  // A sample is served over HTTP, and the deleted are not.
  for (const one of [...stored.values()].slice(-5)) {
    const answer = await host.mock('kill', one.path);
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), one.responses[0].json);
  }
  state.known = new Map([...stored].map(([name, one]) => [name, { id: one.id, step: one.responses[0].json.step }]));
  state.mine = state.mine.map(() => []);
  state.unsure.clear();
}

test('acknowledged admin writes survive kills at random moments', async (t) => {
  const directory = scratch();
  try {
    const state = { known: new Map(), unsure: new Map(), mine: [[], [], []], acknowledged: 0, round: 0 };
    let host = await Host.start({ data: directory.path });
    const api = (await host.create(apis, { slug: 'kill' })).id;
    const began = Date.now();
    for (; state.round < kills && (state.round < 10 || Date.now() - began < 120_000); ++state.round) {
      const writers = state.mine.map((_, writer) => writeUntilDeath(host, api, state, writer));
      await new Promise((resolve) => setTimeout(resolve, Math.random() ** 2 * 300));  // the random moment
      await host.kill();
      await Promise.all(writers);
      host = await Host.start({ data: directory.path });
      await verify(host, api, state);
    }
    assert.equal(await host.stop(), 0);
    t.diagnostic(`${state.round} kills, ${state.acknowledged} writes acknowledged, ${state.known.size} endpoints left`);
    assert.ok(state.acknowledged > state.round, 'the writers wrote');
  } finally {
    directory.remove();
  }
});

test('a kill right after an import leaves all of it', async () => {
  const directory = scratch();
  try {
    let host = await Host.start({ data: directory.path });
    const endpoints = Array.from({ length: 500 }, (_, i) => ({ name: `e${i}`, method: 'GET', path: `/e${i}` }));
    const done = await host.admin('PUT', '/admin/definitions', { apis: [{ slug: 'bulk', endpoints }] });
    assert.equal(done.status, 200, done.text);
    await host.kill();
    host = await Host.start({ data: directory.path });
    const [api] = (await host.admin('GET', apis)).json.items;
    assert.equal((await all(host, `${apis}/${api.id}/endpoints`)).length, 500);
    assert.equal(await host.stop(), 0);
  } finally {
    directory.remove();
  }
});

test('a kill loses of the journal only what was young, and a clean stop nothing', async () => {
  const directory = scratch();
  try {
    let host = await Host.start({ data: directory.path });
    await host.api('log', [{ method: 'GET', path: '/*rest' }]);
    const old = Array.from({ length: 200 }, (_, i) => `/old${i}`);
    for (const path of old) await host.mock('log', path);
    assert.equal((await host.requests('?limit=1000')).length, 200, 'a read sees all that was answered before it');
    const since = Date.now();
    let young = 0;  // keeps asking until a second has passed for the host, too, so that the first 200 must be on disk
    while (Date.now() - since < 1200 || young < 100) { await host.mock('log', `/young${young}`); ++young; }
    await host.kill();

    host = await Host.start({ data: directory.path });
    const paths = new Set((await everyRequest(host)).map((record) => record.path));
    for (const path of old) assert.ok(paths.has(`/mock/log${path}`), `${path} was a second old`);
    const missing = Array.from({ length: young }, (_, i) => i).filter((i) => !paths.has(`/mock/log/young${i}`));
    for (const [k, i] of missing.entries()) {
      assert.equal(i, young - missing.length + k, 'only the newest are lost, without a gap');
    }
    const before = paths.size;
    for (let i = 0; i < 300; ++i) await host.mock('log', `/clean${i}`);
    assert.equal(await host.stop(), 0);

    host = await Host.start({ data: directory.path });
    const after = await everyRequest(host);
    assert.equal(after.length, before + 300, 'a clean stop loses nothing');
    assert.equal(new Set(after.map((record) => record.id)).size, after.length);
    assert.equal(await host.stop(), 0);
  } finally {
    directory.remove();
  }
});

async function everyRequest(host) {
  const all = [];
  for (let cursor = null; ;) {
    const page = (await host.admin('GET', `/admin/requests?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)).json;
    if (page.stale) continue;  // the journal's writer was late
    all.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return all;
  }
}

test('a sequence goes on where it was after a clean stop', async () => {
  const directory = scratch();
  try {
    let host = await Host.start({ data: directory.path });
    await host.api('seq', [{ method: 'GET', path: '/s', responseMode: 'sequence', responses: ['a', 'b', 'c'].map((body) => ({ body })) }]);
    assert.equal(await (await host.mock('seq', '/s')).text(), 'a');
    assert.equal(await host.stop(), 0);
    host = await Host.start({ data: directory.path });
    assert.equal(await (await host.mock('seq', '/s')).text(), 'b');
    assert.equal(await host.stop(), 0);
    host = await Host.start({ data: directory.path });
    assert.equal(await (await host.mock('seq', '/s')).text(), 'c');
    assert.equal(await (await host.mock('seq', '/s')).text(), 'a');
    assert.equal(await host.stop(), 0);
  } finally {
    directory.remove();
  }
});

test('an answer kept by deduplication is there after a clean stop', async () => {
  const directory = scratch();
  try {
    let host = await Host.start({ data: directory.path });
    await host.api('dup', [{ method: 'GET', path: '/d', deduplication: true, responseMode: 'sequence',
      responses: ['first', 'second'].map((body) => ({ body })) }]);
    assert.equal(await (await host.mock('dup', '/d')).text(), 'first');
    assert.equal(await host.stop(), 0);
    host = await Host.start({ data: directory.path });
    const again = await host.mock('dup', '/d');
    assert.equal(again.headers.get('x-mock-deduplicated'), 'true');
    assert.equal(await again.text(), 'first');
    assert.equal(await host.stop(), 0);
  } finally {
    directory.remove();
  }
});
