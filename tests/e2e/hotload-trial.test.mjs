// New versions of a plugin on trial: their probation, and canaries that serve a share of the requests.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { assertProblem } from './check.mjs';
import { HotHost, cleanUp, compile, versions } from './hotload.mjs';

const watched = { args: ['--plugin-probation', '60s'] };
const other = 'com.example.other';
before(() => Promise.all([versions(), compile('other', { PLUGIN_ID: other, PLUGIN_JOURNAL: '' }, { OPTION: '"other"' })]));
after(cleanUp);

test('a version that fails its requests is rolled back by itself and not tried again', () => HotHost.tell({ 'hot.so': 'v1' }, watched, async (hot) => {
  await hot.endpoint();
  hot.move('bad');
  await hot.until((p) => p.state === 'probation', 'probation');
  const back = await hot.until(async (p) => {
    const { status, text } = await hot.ask();
    assert.deepEqual([status, text], [200, 'hello'], 'it fails open');
    return p.state === 'active' && p.version === '1.0.0';
  }, 'the version before');
  const verdict = back.history.find((one) => one.event === 'rolled-back');
  assert.equal(verdict.version, '1.3.0');
  assert.match(verdict.detail, /^\d+ of \d+ requests failed in it$/);
  await hot.answers('1.0.0');
  await hot.ends('unloaded', '1.3.0');
  assertProblem(await hot.order('reload'), 409, 'conflict');
  hot.copy('bad');
  await hot.restart();
  await hot.answers('1.0.0');
  await hot.happens('rejected', /is quarantined: rolled-back: \d+ of \d+ requests failed in it; POST .*enable pardons it/);
  assert.deepEqual((({ version, state }) => ({ version, state }))((await hot.order('enable')).json), { version: '1.3.0', state: 'probation' });
}));

test('a probation that nothing speaks against ends in acceptance', () => HotHost.tell({ 'hot.so': 'v1' }, { args: ['--plugin-probation', '1s'] }, async (hot) => {
  hot.move('v2');
  await hot.serves('1.1.0');
  await hot.happens('probation');
  assert.equal((await hot.plugin()).formerVersion, null);
  await hot.ends('unloaded', '1.0.0');
  assert.equal((await hot.order('rollback')).json.version, '1.0.0');
}));

test('a canary serves its share, and is promoted when it does well', () => HotHost.tell({ 'hot.so': 'v1', 'other.so': 'other' }, { args: ['--plugin-probation', '1s'] }, async (hot) => {
  await hot.endpoint();
  assertProblem(await hot.put('canary', { percent: 101 }), 400, 'invalid-input', '/percent');
  assert.equal((await hot.put('canary', { percent: 10 })).json.canary.percent, 10);
  hot.move('v2');
  const began = await hot.until((p) => p.state === 'canary', 'canary');
  assert.deepEqual([began.version, began.canary.version], ['1.0.0', '1.1.0']);
  assertProblem(await hot.put('config', { 'hot-word': 'x' }), 409, 'conflict');
  assert.equal((await hot.put('canary', { percent: 10 }, other)).status, 409, 'one at a time');
  const counts = { '1.0.0': 0, '1.1.0': 0 };
  // Too few for the fifty of its own that it is promoted by.
  for (let i = 0; i < 300; i += 20) {
    for (const one of await Promise.all(Array.from({ length: 20 }, () => hot.ask()))) {
      assert.equal(one.status, 200);
      ++counts[one.version];
    }
  }
  assert.ok(counts['1.1.0'] >= 6 && counts['1.1.0'] <= 80, JSON.stringify(counts));
  await hot.until(async (p) => { await hot.ask(); return p.version === '1.1.0' && p.state === 'active'; }, 'promoted');
  await hot.happens('promoted');
  await hot.answers('1.1.0');
  await hot.ends('unloaded', '1.0.0');
  assert.equal((await hot.plugin()).canary, null);

  assert.equal((await hot.put('canary', { percent: 50 })).status, 200);
  hot.move('v3');
  await hot.until((p) => p.state === 'canary', 'the next canary');
  assert.equal((await hot.put('canary', { percent: 0 })).json.state, 'active');
  for (let i = 0; i < 20; ++i) await hot.answers('1.1.0');
  await hot.ends('unloaded', '1.2.0');
  assert.equal((await hot.put('canary', { percent: 50 })).status, 200);
  assert.equal((await hot.order('reload')).json.canary.version, '1.2.0');
  const promoted = await hot.put('canary', { percent: 100 });
  assert.deepEqual([promoted.json.version, promoted.json.state], ['1.2.0', 'active']);
  for (let i = 0; i < 20; ++i) await hot.answers('1.2.0');
}));

test('a bad canary is rolled back by itself, and stays out', () => HotHost.tell({ 'hot.so': 'v1' }, watched, async (hot) => {
  await hot.endpoint();
  await hot.put('canary', { percent: 40 });
  hot.move('bad');
  await hot.until((p) => p.state === 'canary', 'canary');
  await hot.until(async (p) => { await hot.ask(); return p.state === 'active'; }, 'the canary\'s end');
  await hot.happens('rolled-back', /requests failed in it/);
  for (let i = 0; i < 20; ++i) await hot.answers('1.0.0');
  await hot.restart();
  await hot.answers('1.0.0');
}));
