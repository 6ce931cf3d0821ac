// What definitions, pipelines, the journal and the OpenAPI document say of plugins that come and go.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { assertProblem } from './check.mjs';
import { HotHost, cleanUp, compile, id, path } from './hotload.mjs';

const now = (...more) => ({ args: ['--plugin-probation', '0', ...more] });
const other = 'com.example.early';
before(() => Promise.all([ compile('early', { PLUGIN_ID: other, PLUGIN_JOURNAL: '' }, { OPTION: '"early"' }),
  compile('late', { PLUGIN_ID: other, PLUGIN_VERSION: '1.1.0', PLUGIN_JOURNAL: '', PLUGIN_AFTER: `"${id}"` }, { OPTION: '"early"' }),
  compile('answer', { PLUGIN_PHASE: 'content' }, { ANSWERS: 1 }),
  compile('wide', { PLUGIN_VERSION: '1.4.0', PLUGIN_EXTRA: '"fields":{"endpoint":{"heat":{"type":"integer","maximum":100}}},"admin":{"path":"/admin/heat","operations":[{"method":"GET","path":"/now","summary":"How hot it is","role":"viewer"}]},' })]));
after(cleanUp);

test('a plugin that appears is in definitions, pipelines, journal and the OpenAPI document at once', () => HotHost.tell({ 'early.so': 'early' }, now(), async (hot, host) => {
  const api = await host.create('/admin/api-definitions', { slug: 'p' });
  const endpoints = `/admin/api-definitions/${api.id}/endpoints`;
  const endpoint = { name: 'e', method: 'GET', path: '/e', responses: [{ body: 'hello' }], plugins: { [id]: { loud: true }, [other]: {} }, heat: 7 };
  const document = async () => (await host.admin('GET', '/admin/openapi.json')).json;
  assert.ok(!('/admin/heat/now' in (await document()).paths));
  assertProblem(await host.admin('POST', endpoints, endpoint), 400, 'invalid-input', '/heat');
  assert.equal((await host.admin('GET', '/admin/heat/now')).status, 404);
  hot.move('wide');
  await hot.serves('1.4.0');
  assertProblem(await host.admin('POST', endpoints, { ...endpoint, heat: 101 }), 400, 'invalid-input', '/heat');
  assertProblem(await host.admin('POST', endpoints, { ...endpoint, plugins: { [id]: { loud: 1 } } }), 400, 'invalid-input', `/plugins/${id}/loud`);
  const made = await host.create(endpoints, endpoint);
  assert.equal(made.heat, 7);
  const told = await document();
  assert.equal(told.paths['/admin/heat/now'].get.summary, 'How hot it is');
  assert.match(JSON.stringify(told.components.schemas), /"heat":\{"type":"integer","maximum":100\}|"heat":\{"maximum":100,"type":"integer"\}/);
  await hot.answers('1.0.0'); // the outermost has the last word
  assert.equal((await host.requests('?limit=1'))[0].hotVersion, '1.4.0');
  const order = async () => (await host.admin('GET', `/admin/pipeline?endpointId=${made.id}`)).json.map((step) => step.plugin).filter((one) => one === id || one === other);
  assert.deepEqual(await order(), [other, id]);
  hot.move('late', 'early.so');
  await hot.serves('1.1.0', other);
  assert.deepEqual(await order(), [id, other]);
  await hot.answers('1.4.0');
  hot.remove();
  await hot.until((p) => p.state === 'removed', 'removed');
  assert.ok(!('/admin/heat/now' in (await document()).paths));
  assert.equal((await host.requests('?limit=1'))[0].hotVersion, '1.4.0', 'records keep what it wrote');
  await hot.answers('1.1.0');
}));

test('a content plugin answers an endpoint alone, over swaps', () => HotHost.tell({}, now(), async (hot, host) => {
  hot.move('answer');
  await hot.serves('1.0.0');
  await host.api('p', [{ name: 'e', method: 'GET', path: '/e', plugins: { [id]: {} } }]);
  assert.deepEqual(await hot.ask(), { status: 200, version: '1.0.0', word: 'hi', text: 'answered by 1.0.0' });
  assert.equal((await hot.order('reload')).status, 200);
  assert.equal((await hot.ask()).text, 'answered by 1.0.0');
}));

test('definitions of --definitions may name what third parties\' plugins bring', async () => {
  const file = path('definitions.json');
  writeFileSync(file, JSON.stringify({ apis: [{ slug: 'p', name: 'p', endpoints: [
    { method: 'GET', path: '/e', responses: [{ body: 'hello' }], heat: 5, plugins: { [id]: { loud: true } } }] }] }));
  await HotHost.tell({ 'hot.so': 'wide' }, now('--definitions', file), async (hot) => { await hot.answers('1.4.0'); });
});
