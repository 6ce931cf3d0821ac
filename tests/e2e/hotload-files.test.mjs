// Plugins' files that come, change and go while the host serves.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { assertProblem } from './check.mjs';
import { HotHost, cleanUp, compile, id, path, versions } from './hotload.mjs';

const now = { args: ['--plugin-probation', '0'] };
const cors = 'mimus.cors';
const of = (name, phase = 'transform', more = {}) => ({ PLUGIN_ID: `com.example.${name}`, PLUGIN_PHASE: phase, PLUGIN_JOURNAL: '', ...more });
before(async () => {
  await Promise.all([versions(),
    compile('low', { PLUGIN_ID: cors, PLUGIN_VERSION: '0.0.1', PLUGIN_PHASE: 'edge' }),
    compile('high', { PLUGIN_ID: cors, PLUGIN_VERSION: '99.0.0', PLUGIN_PHASE: 'edge' }),
    compile('one', of('one', 'transform', { PLUGIN_AFTER: '"com.example.two"' }), { OPTION: '"one"' }),
    compile('two', of('two', 'transform', { PLUGIN_AFTER: '"com.example.one"' }), { OPTION: '"two"' }),
    compile('field', of('field', 'transform', { PLUGIN_EXTRA: '"fields":{"endpoint":{"deduplication":{}}},' }), { OPTION: '"field"' }),
    compile('journal', of('journal', 'transform', { PLUGIN_JOURNAL: '{"name":"hotVersion","type":"flag"}' }), { OPTION: '"journal"' }),
    compile('route', of('route', 'transform', { PLUGIN_EXTRA: '"admin":{"path":"/admin/analytics","operations":[]},' }), { OPTION: '"route"' }),
    compile('option', of('option')),
    compile('schema', of('schema', 'transform', { PLUGIN_SCHEMA: '"type":"no such type"' }), { OPTION: '"schema"' }),
    compile('refuses', { PLUGIN_VERSION: '2.0.0' }, { BROKEN: 2 })]);
  writeFileSync(path('text.so'), 'not an ELF file');
});
after(cleanUp);

test('a file that comes serves, whether it was moved, copied or written piece by piece, and never by half', () => HotHost.tell({}, now, async (hot, host) => {
  const api = await host.create('/admin/api-definitions', { slug: 'p' });
  const endpoint = { name: 'e', method: 'GET', path: '/e', responses: [{ body: 'hello' }], plugins: { [id]: {} } };
  assertProblem(await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, endpoint), 400, 'invalid-input', `/plugins/${id}`);
  hot.move('v1');
  const first = await hot.serves('1.0.0');
  assert.equal(first.file, hot.file());
  assert.match(first.sha256, /^[0-9a-f]{64}$/);
  assert.ok(first.history.at(-1).tookMicros > 0, JSON.stringify(first.history));
  await host.create(`/admin/api-definitions/${api.id}/endpoints`, endpoint);
  await hot.answers('1.0.0');

  hot.copy('v2');
  await hot.serves('1.1.0');
  await hot.answers('1.1.0');
  await hot.ends('unloaded', '1.0.0');

  const bytes = readFileSync(path('v3.so'));
  const file = openSync(hot.file(), 'w');
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 5)) {
    writeSync(file, bytes.subarray(at, at + Math.ceil(bytes.length / 5)));
    await hot.answers('1.1.0');
    await new Promise((go) => setTimeout(go, 250));
  }
  closeSync(file);
  const third = await hot.serves('1.2.0');
  assert.equal(third.history.filter((one) => one.event === 'rejected').length, 0, JSON.stringify(third.history));
  await hot.ends('unloaded', '1.1.0');
  await hot.answers('1.2.0');
}));

test('the same bytes again are nothing new', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot) => {
  const before = await hot.serves('1.0.0');
  hot.copy('v1');
  hot.move('v1');
  hot.move('v1', 'other.so'); // told after those before
  await hot.happens('rejected', /other\.so is version 1\.0\.0 of com\.example\.hot, but .*hot\.so holds version 1\.0\.0/);
  const later = await hot.plugin();
  assert.deepEqual(later.images, []);
  assert.equal(later.history.length, before.history.length + 1);
}));

test('what is removed leaves the pipelines; endpoints that name it follow its last fail policy', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot, host) => {
  const api = await hot.endpoint();
  await hot.answers('1.0.0');
  const pipeline = async () => (await host.admin('GET', `/admin/pipeline?endpointId=${api.endpointsByName.e.id}`)).json.map((step) => step.plugin);
  assert.ok((await pipeline()).includes(id));
  hot.remove();
  await hot.until((p) => p.state === 'removed', 'removed');
  await hot.answers(null);
  assert.ok(!(await pipeline()).includes(id));
  await hot.ends('unloaded', '1.0.0');
  assertProblem(await hot.order('reload'), 404, 'no-such-resource');
  hot.move('v2');
  await hot.serves('1.1.0');
  await hot.answers('1.1.0');
}));

test('of two files with one id the higher version serves, the other takes over when it goes', () => HotHost.tell({ 'a.so': 'v1' }, now, async (hot) => {
  await hot.endpoint();
  hot.move('v2', 'b.so');
  await hot.serves('1.1.0');
  hot.remove('a.so');
  await hot.answers('1.1.0');
  hot.move('v1', 'a.so');
  await hot.happens('rejected', /a\.so is version 1\.0\.0 .*b\.so holds version 1\.1\.0: remove one of them/);
  await hot.answers('1.1.0');
  hot.remove('b.so');
  await hot.serves('1.0.0');
  await hot.answers('1.0.0');
  hot.move('bad', 'text.so');
  hot.remove('text.so');
  await hot.serves('1.0.0'); // again, where it was seen to come
  await hot.restart();
  assert.equal((await hot.plugin()).version, '1.0.0');
}));

test('a refused file is shown with what is wrong, leaves the old version serving, and takes nothing along when it goes', () => HotHost.tell({ 'hot.so': 'v1' }, now, async (hot, host) => {
  await hot.endpoint();
  hot.move('refuses');
  await hot.happens('rejected', /told to refuse/);
  assert.equal((await hot.plugin()).state, 'active');
  await hot.answers('1.0.0');
  hot.move('text', 'noise.so');
  const noise = await hot.until((p) => p.state === 'rejected', 'a rejected file', 'noise.so');
  assert.match(noise.history[0].detail, /noise\.so/);
  assert.match(noise.history[0].detail, /not an ELF|no ELF|ELF/);
  const listed = (await host.admin('GET', '/admin/plugins?limit=1000')).json.items;
  assert.equal(listed.find((one) => one.id === 'noise.so').state, 'rejected');
  hot.remove('noise.so');
  await hot.until((p) => p.status === 404, 'the file forgotten', 'noise.so');
  for (const [name, says] of [['field', /the endpoint field deduplication/], ['journal', /hotVersion/], ['route', /\/admin\/analytics/],
    ['option', /the option hot-word/], ['schema', /schema/]]) {
    hot.move(name, `${name}.so`);
    await hot.happens('rejected', says, `com.example.${name}`);
    assert.equal((await hot.plugin(`com.example.${name}`)).state, 'rejected');
    await hot.answers('1.0.0');
  }
  hot.move('one', 'one.so');
  await hot.serves('1.0.0', 'com.example.one');
  hot.move('two', 'two.so');
  await hot.happens('rejected', /the plugins' order is a cycle: com\.example\.(one|two) after com\.example\.(two|one) after com\.example\.\1/, 'com.example.two');
  await hot.answers('1.0.0');
  hot.remove();
  hot.move('v2');
  await hot.serves('1.1.0');
}));

test('a built-in is replaced by a file of a higher version, and is back when that is rolled back or removed', () => HotHost.tell({}, now, async (hot) => {
  const builtin = await hot.plugin(cors);
  assert.equal(builtin.builtin, true);
  hot.move('low');
  await hot.happens('rejected', /is version 0\.0\.1 of mimus\.cors, lower than the built-in/, cors);
  assert.equal((await hot.plugin(cors)).version, builtin.version);
  hot.remove();
  hot.move('high', 'cors.so');
  await hot.serves('99.0.0', cors);
  const back = await hot.order('rollback', cors);
  assert.equal(back.status, 200, back.text);
  assert.deepEqual([back.json.version, back.json.builtin, back.json.state], [builtin.version, true, 'active']);
  await hot.ends('unloaded', '99.0.0', cors);
  await hot.restart();
  assert.equal((await hot.plugin(cors)).version, builtin.version, 'it stays quarantined');
  assert.equal((await hot.order('enable', cors)).json.version, '99.0.0', 'until it is pardoned');
  hot.remove('cors.so');
  await hot.serves(builtin.version, cors);
  assertProblem(await hot.order('rollback', cors), 404, 'no-such-resource');
}));

test('a built-in that comes back while its successor is on probation is not said to be left behind', () => HotHost.tell({}, { args: ['--plugin-probation', '1m'] }, async (hot) => {
  const { version } = await hot.plugin(cors);
  hot.move('high', 'cors.so');
  await hot.until((p) => p.state === 'probation', 'probation', cors);
  hot.remove('cors.so');
  await hot.serves(version, cors);
  await hot.ends('destroyed', version, cors);
  await hot.happens('restored', /built-in/, cors);
}));

test('a newer file that was refused is not taken for the one that serves', () => HotHost.tell({ 'a.so': 'v1' }, now, async (hot) => {
  hot.move('refuses', 'b.so');
  await hot.happens('rejected', /told to refuse/);
  assert.equal((await hot.plugin()).file, hot.file('a.so'));
  hot.remove('a.so');
  await hot.ends('unloaded', '1.0.0');
}));
