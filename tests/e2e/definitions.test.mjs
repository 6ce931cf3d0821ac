// Definitions as one document: exported, imported, loaded from files at start, and the reset.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, eventually, scratch } from './host.mjs';
import { assertProblem, mimus } from './check.mjs';

const apis = '/admin/api-definitions';
const exact = '{"price" : 275.0, "big":12345678901234567890123, "e":1E2 , "u":"\\u00e9\\/", "dup":[ 1,  2 ]}';

/** A host for `story`, stopped cleanly afterwards. */
async function withHost(story, options) {
  const host = await Host.start(options);
  let done = false;
  try {
    await story(host);
    done = true;
  } finally {
    const code = await host.stop();
    if (done) assert.equal(code, 0);
  }
}

/** Without what the host adds, to compare two hosts. */
function bare(definitions) {
  return JSON.parse(JSON.stringify(definitions, (key, value) =>
    ['createdAt', 'updatedAt', 'revision'].includes(key) ? undefined : value));
}

test('what one host exports another imports: the same ids, the same bytes of json, the same answers', async () => {
  let text;
  await withHost(async (host) => {
    const api = await host.create(apis, { slug: 'shop', name: 'Shop', hosts: ['shop.test'], cors: { origins: ['http://a.test'] }, capture: { bodies: true } });
    const made = await host.admin('POST', `${apis}/${api.id}/endpoints`,
      `{"name":"price","method":"GET","path":"/price","responses":[{"json":${exact}}],"validationMode":"report","requestSchema":{"type":"object","x-note" :1.50}}`);
    assert.equal(made.status, 201, made.text);
    await host.create(`${apis}/${api.id}/endpoints`, { method: 'GET', path: '/users/:id', cacheEnabled: true, deduplication: true,
      responses: [{ body: 'ä€😀', headers: { 'X-A': ['1', '2'] } }, { bodyBase64: 'AAEC/w==' }] });
    await host.create(`${apis}/${api.id}/websocket-endpoints`, { path: '/ws/shop', events: [{ name: 'hi', payload: { n: 1 }, trigger: 'connection' }] });
    await host.create(apis, { slug: 'empty' });
    const exported = await host.admin('GET', '/admin/definitions');
    assert.equal(exported.status, 200);
    text = exported.text;
    assert.ok(text.includes(exact), text);
    assert.ok(text.includes('"x-note" :1.50'), text);
    assert.equal((await host.admin('GET', '/admin/definitions')).text, text, 'an export changes nothing');
    const again = await host.admin('PUT', '/admin/definitions', text);
    assert.equal(again.status, 200, again.text);
    assert.equal((await host.admin('GET', '/admin/definitions')).text, text, 'an import of the same changes nothing');
  });
  await withHost(async (host) => {
    const done = await host.admin('PUT', '/admin/definitions', text);
    assert.equal(done.status, 200, done.text);
    assert.deepEqual(done.json.apis, { created: 2, updated: 0, unchanged: 0 });
    assert.deepEqual(done.json.endpoints, { created: 2, updated: 0, unchanged: 0 });
    assert.deepEqual(done.json.websocketEndpoints, { created: 1, updated: 0, unchanged: 0 });
    const exported = await host.admin('GET', '/admin/definitions');
    assert.ok(exported.text.includes(exact));
    assert.ok(exported.text.includes('"x-note" :1.50'));
    assert.deepEqual(bare(exported.json), bare(JSON.parse(text)));
    assert.equal(await (await host.mock('shop', '/price')).text(), exact);
    assert.equal(await (await host.mock('shop', '/users/1')).text(), 'ä€😀');
    const same = await host.admin('PUT', '/admin/definitions', text);
    assert.deepEqual(same.json.endpoints, { created: 0, updated: 0, unchanged: 2 });
    assert.equal((await host.admin('GET', '/admin/definitions')).text, exported.text);
  });
});

test('an import updates by slug and endpoint name, and leaves what it does not name', async () => {
  await withHost(async (host) => {
    await host.api('keep', [{ name: 'old', method: 'GET', path: '/old', responses: [{ body: 'old' }] }]);
    const api = await host.api('change', [{ name: 'one', method: 'GET', path: '/one', responses: [{ body: '1' }] }]);
    const done = await host.admin('PUT', '/admin/definitions', { apis: [{ slug: 'change', name: 'changed',
      endpoints: [{ name: 'one', method: 'GET', path: '/one', responses: [{ body: '2' }] }, { name: 'two', method: 'GET', path: '/two' }] }] });
    assert.equal(done.status, 200, done.text);
    assert.deepEqual(done.json.endpoints, { created: 1, updated: 1, unchanged: 0 });
    const now = await host.admin('GET', `${apis}/${api.id}`);
    assert.equal(now.json.name, 'changed');
    assert.equal(await (await host.mock('change', '/one')).text(), '2');
    assert.equal(await (await host.mock('keep', '/old')).text(), 'old');
    const one = await host.admin('GET', `${apis}/${api.id}/endpoints/${api.endpointsByName.one.id}`);
    assert.equal(one.json.revision, 2, 'it is the same endpoint');
  });
});

test('an import with anything wrong in it changes nothing, and says where', async () => {
  await withHost(async (host) => {
    await host.api('here', [{ name: 'a', method: 'GET', path: '/a' }], { hosts: ['here.test'] });
    const before = (await host.admin('GET', '/admin/definitions')).text;
    const good = { slug: 'good', endpoints: [{ name: 'g', method: 'GET', path: '/g' }] };
    const rows = [
      [{}, 400, '/apis'],
      [{ apis: 5 }, 400, '/apis'],
      [{ apis: [good, 7] }, 400, '/apis/1'],
      [{ apis: [good], extra: 1 }, 400, '/extra'],
      [{ version: 2, apis: [good] }, 400, '/version'],
      [{ apis: [good, { name: 'no slug' }] }, 400, '/apis/1/slug'],
      [{ apis: [good, { slug: 'bad', colour: 1 }] }, 400, '/apis/1/colour'],
      [{ apis: [good, { slug: 'bad', endpoints: [{ method: 'GET', path: '/x' }, { method: 'GET', path: 'x' }] }] }, 400, '/apis/1/endpoints/1/path'],
      [{ apis: [good, { slug: 'bad', endpoints: [{ method: 'GET', path: '/x', responses: [{}, { status: 9 }] }] }] }, 400, '/apis/1/endpoints/0/responses/1/status'],
      [{ apis: [good, { slug: 'bad', endpoints: {} }] }, 400, '/apis/1/endpoints'],
      [{ apis: [good, { slug: 'bad', websocketEndpoints: [{ path: '/nows' }] }] }, 400, '/apis/1/websocketEndpoints/0/path'],
      [{ apis: [good, { slug: 'bad', id: 'no ulid' }] }, 400, '/apis/1/id'],
      [{ apis: [good, { slug: 'other', hosts: ['here.test'] }] }, 409, undefined],
      [{ apis: [good, { slug: 'a1', websocketEndpoints: [{ path: '/ws/same' }] }, { slug: 'a2', websocketEndpoints: [{ path: '/ws/same' }] }] }, 409, undefined],
    ];
    const wrong = [];
    for (const [body, status, pointer] of rows) {
      const answer = await host.admin('PUT', '/admin/definitions', body);
      try {
        assertProblem(answer, status, status === 409 ? 'conflict' : 'invalid-input', pointer);
      } catch (error) {
        wrong.push(`${JSON.stringify(body)}: ${error.message}`);
      }
      assert.equal((await host.admin('GET', '/admin/definitions')).text, before, JSON.stringify(body));
    }
    assert.deepEqual(wrong, []);
    assertProblem(await host.admin('PUT', '/admin/definitions', '{"apis":['), 400, 'invalid-json');
    assert.equal((await host.mock('good', '/g')).status, 404);
    const both = await host.admin('PUT', '/admin/definitions', { apis: [{ slug: 'UP' }, { slug: 'ok', endpoints: [{ path: '/' }] }] });
    const pointers = assertProblem(both, 400, 'invalid-input').errors.map((error) => error.pointer);
    assert.deepEqual(pointers.sort(), ['/apis/0/slug', '/apis/1/endpoints/0/method'], 'every fault is named');
  });
});

test('--definitions is idempotent over restarts, follows its file, and never goes over newer edits', async () => {
  const directory = scratch();
  const file = join(directory.path, 'seed.json');
  const data = join(directory.path, 'data');
  const seed = (body) => writeFileSync(file, JSON.stringify({ version: 1, apis: [{ slug: 'seed', name: 'Seed', endpoints: [
    { name: 'one', method: 'GET', path: '/one', responses: [{ body }] },
    { name: 'two', method: 'GET', path: '/two', responses: [{ body }] }] }] }));
  const options = { data, args: ['--definitions', file] };
  try {
    seed('first');
    let text, edited;
    await withHost(async (host) => {
      assert.equal(await (await host.mock('seed', '/one')).text(), 'first');
      text = (await host.admin('GET', '/admin/definitions')).text;
    }, options);
    await withHost(async (host) => {
      assert.equal((await host.admin('GET', '/admin/definitions')).text, text, 'a second start changes nothing');
      const [api] = (await host.admin('GET', apis)).json.items;
      const [one] = (await host.admin('GET', `${apis}/${api.id}/endpoints`)).json.items.filter((e) => e.name === 'one');
      const patched = await host.admin('PATCH', `${apis}/${api.id}/endpoints/${one.id}`, { responses: [{ body: 'by hand' }] });
      assert.equal(patched.status, 200);
      edited = patched.json;
    }, options);
    seed('second');
    await withHost(async (host) => {
      assert.equal(await (await host.mock('seed', '/one')).text(), 'by hand', 'the newer edit stays');
      assert.equal(await (await host.mock('seed', '/two')).text(), 'second', 'what nobody edited follows the file');
      const [api] = (await host.admin('GET', apis)).json.items;
      const shown = await host.admin('GET', `${apis}/${api.id}/endpoints/${edited.id}`);
      assert.equal(shown.json.revision, edited.revision);
      assert.equal((await host.admin('GET', `${apis}/${api.id}/endpoints`)).json.items.length, 2);
    }, options);
  } finally {
    directory.remove();
  }
});

test('a --definitions file that is bad stops the start with its name and the place, and stores nothing', async () => {
  const directory = scratch();
  const data = join(directory.path, 'data');
  try {
    for (const [name, text, says] of [
      ['broken.json', '{"apis":[', /not JSON/],
      ['field.json', '{"apis":[{"slug":"ok"},{"slug":"bad","colour":1}]}', /\/apis\/1\/colour/],
      ['path.json', '{"apis":[{"slug":"ok","endpoints":[{"method":"GET","path":"x"}]}]}', /\/apis\/0\/endpoints\/0\/path/],
      ['array.json', '[]', /object/],
    ]) {
      const file = join(directory.path, name);
      writeFileSync(file, text);
      const ended = await mimus(['serve', '--listen', '127.0.0.1:0', '--data', data, '--definitions', file]);
      assert.equal(ended.code, 1, ended.err);
      assert.match(ended.err, says);
      assert.ok(ended.err.includes(name), ended.err);
      assert.equal(ended.out, '');
    }
    const none = await mimus(['serve', '--listen', '127.0.0.1:0', '--data', data, '--definitions', join(directory.path, 'none.json')]);
    assert.ok(none.code === 1 || none.code === 2, `exit ${none.code}`);
    assert.ok(none.err.includes('none.json'), none.err);
    await withHost(async (host) => {
      assert.deepEqual((await host.admin('GET', apis)).json.items, []);
    }, { data });
  } finally {
    directory.remove();
  }
});

test('a reset forgets what it names, and only that', async () => {
  await withHost(async (host) => {
    await host.api('reset', [
      { method: 'GET', path: '/s', responseMode: 'sequence', responses: ['a', 'b', 'c'].map((body) => ({ body })) },
      { method: 'GET', path: '/d', deduplication: true, responseMode: 'sequence', responses: ['x', 'y'].map((body) => ({ body })) }]);
    const text = async (path) => (await host.mock('reset', path)).text();
    assert.equal(await text('/s'), 'a');
    assert.equal(await text('/d'), 'x');
    assert.equal(await text('/d'), 'x');
    assert.equal((await host.requests()).length, 3);

    assert.equal((await host.admin('POST', '/admin/reset', { dedup: true })).status, 200);
    assert.equal(await text('/d'), 'y', 'what was kept is forgotten, the sequence goes on');
    assert.equal(await text('/s'), 'b');
    assert.equal((await host.admin('POST', '/admin/reset', { sequences: true, journal: false })).status, 200);
    assert.equal(await text('/s'), 'a');
    assert.equal((await host.requests()).length, 6);
    const emptied = async () => { const { status } = await host.admin('POST', '/admin/reset', { journal: true }); return status !== 503 && status; };
    assert.equal(await eventually(emptied, 'the journal, whose writer may be late'), 200);
    assert.deepEqual(await host.requests(), []);
    assert.equal(await text('/s'), 'b');
    assert.equal((await host.requests()).length, 1);

    assertProblem(await host.admin('POST', '/admin/reset', { journals: true }), 400, 'invalid-input', '/journals');
    assertProblem(await host.admin('POST', '/admin/reset', { journal: 'yes' }), 400, 'invalid-input', '/journal');
    assertProblem(await host.admin('POST', '/admin/reset', ''), 400, 'invalid-json');
    assert.equal((await host.requests()).length, 1, 'a refused reset forgets nothing');
    assert.equal((await host.admin('GET', apis)).json.items.length, 1, 'definitions stay');
  });
});
