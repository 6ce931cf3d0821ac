// What operators do with plugins while the host serves: options, rollbacks, installs.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { assertProblem, mimus } from './check.mjs';
import { HotHost, cleanUp, id, path, versions } from './hotload.mjs';

const now = { args: ['--plugin-probation', '0'] };
const watched = { args: ['--plugin-probation', '60s'] };
const other = 'com.example.other';
before(async () => {
  const pair = generateKeyPairSync('ed25519');
  mkdirSync(path('trust.d'));
  writeFileSync(path('trust.d/vendor.pem'), pair.publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(path('vendor.pem'), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await versions();
  for (const name of ['v1', 'v2']) {
    const signed = await mimus(['plugin', 'sign', path(`${name}.so`), '--key', path('vendor.pem'), '--out', path(`${name}.signed`)]);
    assert.equal(signed.code, 0, signed.err);
  }
});
after(cleanUp);

test('options are set while it serves, kept over restarts, and reset by {}; a bad one changes nothing', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot) => {
  await hot.endpoint();
  assert.equal((await hot.ask()).word, 'hi');
  const set = await hot.put('config', { 'hot-word': 'hello', 'hot-number': 3 });
  assert.equal(set.status, 200, set.text);
  assert.deepEqual(set.json.config, { 'hot-word': 'hello', 'hot-number': 3 });
  assert.deepEqual(set.json.options, { 'hot-word': 'hello', 'hot-number': 3 });
  assert.equal((await hot.ask()).word, 'hello');
  for (const [body, pointer] of [[{ 'hot-wrod': 'x' }, '/hot-wrod'], [{ 'hot-word': 5 }, '/hot-word'], [{ 'hot-number': 'x' }, '/hot-number'],
    [{ 'hot-number': 0 }, '/hot-number'], [{ 'hot-number': 1.5 }, '/hot-number'], ['[]', undefined]]) {
    assertProblem(await hot.put('config', body), 400, 'invalid-input', pointer);
    const { word, version } = await hot.ask();
    assert.deepEqual([word, version], ['hello', '1.0.0'], JSON.stringify(body));
  }
  const crash = assertProblem(await hot.put('config', { 'hot-word': 'crash' }), 400, 'invalid-input', '');
  assert.match(crash.detail, /com\.example\.hot crashed with SIGABRT in configure/, 'in a child, not in the server');
  assert.equal((await hot.ask()).word, 'hello');
  const { items, restarts } = (await hot.host.admin('GET', '/admin/plugins')).json;
  assert.deepEqual([restarts, items.find((one) => one.id === id).state], [0, 'active']);
  await hot.happens('rejected', /SIGABRT in configure/);
  await hot.restart();
  assert.equal((await hot.ask()).word, 'hello');
  assert.deepEqual((await hot.plugin()).config, { 'hot-word': 'hello', 'hot-number': 3 });
  hot.move('v2');
  await hot.serves('1.1.0');
  assert.equal((await hot.ask()).word, 'hello', 'the next version is given them, too');
  assert.deepEqual((await hot.put('config', {})).json.config, {});
  assert.equal((await hot.ask()).word, 'hi');
  assertProblem(await hot.put('config', {}, 'com.example.none'), 404, 'no-such-resource');
}));

test('reload, disable and enable, by hand and over restarts', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot) => {
  await hot.endpoint();
  const reloaded = await hot.order('reload');
  assert.equal(reloaded.status, 200, reloaded.text);
  assert.equal(reloaded.json.version, '1.0.0');
  await hot.ends('unloaded', '1.0.0');
  await hot.answers('1.0.0');
  assert.equal((await hot.order('disable')).json.state, 'disabled');
  await hot.answers(null);
  assertProblem(await hot.order('reload'), 409, 'conflict');
  assertProblem(await hot.put('config', { 'hot-word': 'x' }), 409, 'conflict');
  hot.move('v2');
  await hot.restart();
  assert.equal((await hot.plugin()).state, 'disabled');
  await hot.answers(null);
  const enabled = await hot.order('enable');
  assert.deepEqual([enabled.status, enabled.json.state, enabled.json.version], [200, 'active', '1.1.0']);
  await hot.answers('1.1.0');
  await hot.restart();
  await hot.answers('1.1.0');
}));

test('rollback brings the version before back, once, during probation and after it, also over a restart', async () => {
  await HotHost.tell({ 'hot.so': 'v1' }, watched, async (hot) => {
    await hot.endpoint();
    hot.move('v2');
    const trial = await hot.until((p) => p.state === 'probation', 'probation');
    assert.deepEqual([trial.version, trial.formerVersion], ['1.1.0', '1.0.0']);
    await hot.answers('1.1.0');
    const back = await hot.order('rollback');
    assert.deepEqual([back.status, back.json.version, back.json.state, back.json.formerVersion], [200, '1.0.0', 'active', null]);
    await hot.answers('1.0.0');
    assertProblem(await hot.order('reload'), 409, 'conflict');
    assertProblem(await hot.order('rollback'), 404, 'no-such-resource');
    await hot.restart();
    await hot.answers('1.0.0');
    assert.equal((await hot.plugin()).version, '1.0.0', 'the image of before, kept');
    const pardoned = await hot.order('enable');
    assert.deepEqual([pardoned.status, pardoned.json.version, pardoned.json.state], [200, '1.1.0', 'probation'], pardoned.text);
    hot.move('v3');
    const newer = await hot.until((p) => p.version === '1.2.0', 'a newer one during the probation');
    assert.deepEqual([newer.state, newer.formerVersion], ['probation', '1.0.0'], 'the last good one is kept');
    await hot.ends('unloaded', '1.1.0');
    assert.equal((await hot.order('rollback')).json.version, '1.0.0');
  });
  await HotHost.tell({ 'hot.so': 'v1' }, now, async (hot) => {
    await hot.endpoint();
    assertProblem(await hot.order('rollback'), 404, 'no-such-resource');
    await hot.answers('1.0.0');
    hot.move('v2');
    await hot.serves('1.1.0');
    assert.equal((await hot.put('config', { 'hot-word': 'x' })).status, 200);
    assert.equal((await hot.order('reload')).status, 200);
    await hot.restart();
    await hot.answers('1.1.0');
    const back = await hot.order('rollback');
    assert.deepEqual([back.status, back.json.version, back.json.state], [200, '1.0.0', 'active'], back.text);
    assertProblem(await hot.order('rollback'), 404, 'no-such-resource');
    await hot.restart();
    await hot.answers('1.0.0');
    hot.move('v3');
    await hot.serves('1.2.0');
    assert.equal((await hot.order('rollback')).json.version, '1.0.0');
  });
});

test('a signed image is installed over the network, kept over restarts, and removed', () => HotHost.tell({ 'hot.so': 'v2' }, { args: ['--plugin-probation', '0', '--trust', path('trust.d')] }, async (hot) => {
  await hot.endpoint();
  assertProblem(await hot.install(path('v1.so')), 409, 'conflict');
  assertProblem(await hot.install(path('v1.signed'), other), 409, 'conflict');
  assert.equal((await hot.host.admin('GET', `/admin/plugins/${other}`)).status, 404);
  await hot.answers('1.1.0');
  assert.equal((await hot.order('reload')).status, 200, 'refusals leave its file its file');
  const installed = await hot.install(path('v1.signed'));
  assert.equal(installed.status, 200, installed.text);
  assert.deepEqual([installed.json.version, installed.json.signature], ['1.0.0', 'good (vendor)']);
  await hot.answers('1.0.0');
  await hot.restart();
  await hot.answers('1.0.0');
  assert.equal((await hot.host.admin('DELETE', `/admin/plugins/${id}`)).status, 204);
  await hot.serves('1.1.0');
  assert.equal((await hot.host.admin('DELETE', `/admin/plugins/${id}`)).status, 409, 'a file of the directory is not removed over the network');
  await hot.restart();
  await hot.answers('1.1.0');
}));

test('only an admin changes plugins', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot, host) => {
  for (const role of ['viewer', 'editor']) {
    const token = (await host.create('/admin/tokens', { name: role, role })).secret;
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await host.admin('GET', `/admin/plugins/${id}`, undefined, headers)).status, 200);
    for (const [method, what, body] of [['POST', '/reload'], ['POST', '/disable'], ['POST', '/enable'], ['POST', '/rollback'],
      ['PUT', '/config', {}], ['PUT', '/canary', { percent: 1 }], ['DELETE', '']]) {
      assertProblem(await host.admin(method, `/admin/plugins/${id}${what}`, body, headers), 403, 'forbidden');
    }
    assert.equal((await hot.install(path('v1.signed'), id, headers)).status, 403);
  }
  assert.equal((await hot.plugin()).images.length, 0);
}));
