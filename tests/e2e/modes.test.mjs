// How a mock chooses among its responses: rules, in turn, or by weight.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host, scratch } from './host.mjs';

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

const turns = (...bodies) => bodies.map((body) => ({ name: body, body }));
const inTurn = (responses, fields = {}) => ({ name: 'turn', method: 'GET', path: '/turn', responseMode: 'sequence', responses, ...fields });
const asked = async (slug, path = '/turn', on = host, options) => (await on.mock(slug, path, options)).text();
async function several(count, slug, path = '/turn', on = host) {
  const out = [];
  for (let i = 0; i < count; ++i) out.push(await asked(slug, path, on));
  return out;
}

test('a sequence answers in turn and begins anew', async () => {
  await host.api('seq', [inTurn(turns('a', 'b', 'c')), { ...inTurn(turns('x', 'y')), name: 'other', path: '/other' }]);
  assert.deepEqual(await several(4, 'seq'), ['a', 'b', 'c', 'a']);
  assert.deepEqual(await several(1, 'seq', '/other'), ['x'], 'each endpoint counts for itself');
  assert.deepEqual(await several(2, 'seq'), ['b', 'c']);
  const [latest] = await host.requests('?limit=1');
  assert.equal(latest.responseName, 'c');
});

test('concurrent requests share the turns fairly', async () => {
  await host.api('fair', [inTurn(turns('a', 'b', 'c'))]);
  const all = await Promise.all(Array.from({ length: 30 }, () => asked('fair')));
  for (const body of ['a', 'b', 'c']) assert.equal(all.filter((one) => one === body).length, 10, body);
});

test('a sequence is rewound when its responses change, not when other things do', async () => {
  const api = await host.api('rewind', [inTurn(turns('a', 'b', 'c'))]);
  const path = `/admin/api-definitions/${api.id}/endpoints/${api.endpointsByName.turn.id}`;
  assert.deepEqual(await several(2, 'rewind'), ['a', 'b']);
  assert.equal((await host.admin('PATCH', path, { name: 'renamed', priority: 3 })).status, 200);
  assert.deepEqual(await several(1, 'rewind'), ['c']);
  assert.deepEqual(await several(1, 'rewind'), ['a']);
  assert.equal((await host.admin('PATCH', path, { responses: turns('a', 'b', 'c', 'd') })).status, 200);
  assert.deepEqual(await several(4, 'rewind'), ['a', 'b', 'c', 'd']);
});

test('reset rewinds all sequences', async () => {
  await host.api('reset', [inTurn(turns('a', 'b', 'c'))]);
  await several(2, 'reset');
  assert.ok((await host.admin('POST', '/admin/reset', { dedup: true })).status < 300);
  assert.deepEqual(await several(1, 'reset'), ['c'], 'another reset leaves them');
  assert.ok((await host.admin('POST', '/admin/reset', { sequences: true })).status < 300);
  assert.deepEqual(await several(2, 'reset'), ['a', 'b']);
  for (const bad of [{ sequence: true }, { sequences: 'yes' }, []]) {
    assert.equal((await host.admin('POST', '/admin/reset', bad)).status, 400, JSON.stringify(bad));
  }
});

test('a sequence goes on after a clean restart', async () => {
  const data = scratch();
  try {
    const first = await Host.start({ data: data.path });
    await first.api('stay', [inTurn(turns('a', 'b', 'c'))]);
    assert.deepEqual(await several(2, 'stay', '/turn', first), ['a', 'b']);
    assert.equal(await first.stop(), 0);
    const second = await Host.start({ data: data.path });
    assert.deepEqual(await several(2, 'stay', '/turn', second), ['c', 'a']);
    assert.equal(await second.stop(), 0);
  } finally {
    data.remove();
  }
});

test('random goes by weight', async () => {
  await host.api('dice', [
    { method: 'GET', path: '/even', responseMode: 'random', responses: turns('a', 'b') },
    { method: 'GET', path: '/loaded', responseMode: 'random', responses: [{ body: 'often', weight: 1000 }, { body: 'seldom', weight: 1 }] },
  ]);
  const even = await several(200, 'dice', '/even');
  const a = even.filter((one) => one === 'a').length;
  assert.ok(a > 50 && a < 150, `${a} of 200`);  // p < 1e-12 to fail by chance
  const loaded = await several(100, 'dice', '/loaded');
  assert.ok(loaded.filter((one) => one === 'often').length >= 90);
});

test('rules look at the query, headers, path, cookies, body, method and address', async () => {
  const rows = [
    [{ in: 'query', name: 'a', op: 'equals', value: '1' }, ['?a=1'], ['?a=2']],
    [{ in: 'query', name: 'a', op: 'equals', value: '2' }, ['?a=1&a=2'], ['?b=2']],
    [{ in: 'query', name: 'a', op: 'notEquals', value: '1' }, [''], ['?a=1']],
    [{ in: 'query', name: 'a', op: 'gt', value: 9 }, ['?a=10'], ['?a=9']],
    [{ in: 'query', name: 'a', op: 'lte', value: 9 }, ['?a=9'], ['?a=word']],
    [{ in: 'query', name: 'a', op: 'in', value: ['x', 'y'] }, ['?a=y'], ['?a=z']],
    [{ in: 'query', name: 'a', op: 'absent' }, [''], ['?a']],
    [{ in: 'header', name: 'X-One', op: 'contains', value: 'mid' }, ['', { headers: { 'x-one': 'a mid b' } }], ['']],
    [{ in: 'header', name: 'x-one', op: 'matches', value: '^v[0-9]+$' }, ['', { headers: { 'X-One': 'v12' } }], ['', { headers: { 'X-One': 'v' } }]],
    [{ in: 'cookie', name: 'sid', op: 'startsWith', value: 'ab' }, ['', { headers: { cookie: 'x=1; sid=abc' } }], ['', { headers: { cookie: 'sid=cab' } }]],
    [{ in: 'path', name: 'id', op: 'endsWith', value: 'é' }, ['/x%C3%A9'], ['/x']],
    [{ in: 'method', op: 'equals', value: 'DELETE' }, ['', { method: 'DELETE' }], ['']],
    [{ in: 'ip', op: 'equals', value: '127.0.0.1' }, [''], null],
    [{ in: 'body', pointer: '/a/0/b', op: 'equals', value: 7 }, ['', { method: 'POST', body: '{"a":[{"b":7.0}]}' }], ['', { method: 'POST', body: '{"a":[{"b":"7"}]}' }]],
    [{ in: 'body', pointer: '/a', op: 'exists' }, ['', { method: 'POST', body: '{"a":null}' }], ['', { method: 'POST', body: 'no json' }]],
    [{ in: 'body', op: 'contains', value: 'needle' }, ['', { method: 'POST', body: 'hay needle hay' }], ['', { method: 'POST', body: '' }]],
    [{ not: { in: 'query', name: 'a', op: 'exists' } }, [''], ['?a=1']],
    [{ any: [{ in: 'query', name: 'a', op: 'exists' }, { in: 'query', name: 'b', op: 'exists' }] }, ['?b'], ['']],
    [{ all: [{ in: 'query', name: 'a', op: 'exists' }, { in: 'query', name: 'b', op: 'exists' }] }, ['?a&b'], ['?b']],
  ];
  await host.api('when', rows.map(([when], i) => ({
    method: 'ANY', path: when.in === 'path' ? `/${i}/:id` : `/${i}`, responses: [{ body: 'rule', when }, { body: 'else', default: true }],
  })));
  for (const [i, [when, holds, fails]] of rows.entries()) {
    assert.equal(await asked('when', `/${i}${holds[0]}`, host, holds[1]), 'rule', JSON.stringify(when));
    if (fails) assert.equal(await asked('when', `/${i}${fails[0]}`, host, fails[1]), 'else', JSON.stringify(when));
  }
});

test('without a rule that holds the default answers, else the first without when, else 404', async () => {
  const never = { in: 'query', name: 'never', op: 'exists' };
  const api = await host.api('fallback', [
    { method: 'GET', path: '/default', responses: [{ body: 'rule', when: never }, { body: 'plain' }, { body: 'default', default: true }] },
    { method: 'GET', path: '/first', responses: [{ body: 'rule', when: never }, { body: 'plain' }, { body: 'more' }] },
    { method: 'GET', path: '/none', responses: [{ body: 'rule', when: never }] },
    { method: 'GET', path: '/empty' },
  ]);
  assert.equal(await asked('fallback', '/default'), 'default');
  assert.equal(await asked('fallback', '/first'), 'plain');
  const none = await host.mock('fallback', '/none');
  assert.equal(none.status, 404);
  assert.equal((await none.json()).type, 'urn:mimus:error:no-matching-response');
  const empty = await host.mock('fallback', '/empty');
  assert.deepEqual([empty.status, await empty.text()], [200, '']);
  const [record] = await host.requests(`?apiId=${api.id}&status=404`);
  assert.equal(record.error, 'no-matching-response');
});

test('bodies have their default types, and bodyBase64 comes as bytes', async () => {
  await host.api('types', [
    { method: 'GET', path: '/text', responses: [{ body: 'ü' }] },
    { method: 'GET', path: '/json', responses: [{ json: null }] },
    { method: 'GET', path: '/bytes', responses: [{ bodyBase64: 'AP8B' }] },
    { method: 'GET', path: '/own', responses: [{ json: {}, headers: { 'content-type': 'application/hal+json', 'X-Two': ['a', 'b'] } }] },
  ]);
  const answer = async (path) => { const got = await host.mock('types', path); return [got.headers.get('content-type'), Buffer.from(await got.arrayBuffer()), got.headers]; };
  assert.deepEqual((await answer('/text')).slice(0, 2), ['text/plain; charset=utf-8', Buffer.from('ü')]);
  assert.deepEqual((await answer('/json')).slice(0, 2), ['application/json', Buffer.from('null')]);
  assert.deepEqual((await answer('/bytes')).slice(0, 2), ['application/octet-stream', Buffer.from([0, 255, 1])]);
  const [type, , headers] = await answer('/own');
  assert.deepEqual([type, headers.get('x-two')], ['application/hal+json', 'a, b']);
});

test('responses that make no sense are refused with their pointer', async () => {
  const api = await host.api('bad');
  const leaf = (fields) => [{ body: 'x', when: { in: 'query', name: 'a', op: 'equals', value: '1', ...fields } }];
  for (const [fields, pointer] of [
    [{ responseMode: 'shuffle' }, '/responseMode'],
    [{ responses: {} }, '/responses'],
    [{ responses: [{ status: 199 }] }, '/responses/0/status'], [{ responses: [{}, { status: 600 }] }, '/responses/1/status'],
    [{ responses: [{ delayMs: 600001 }] }, '/responses/0/delayMs'], [{ responses: [{ delayMs: -1 }] }, '/responses/0/delayMs'],
    [{ responses: [{ weight: 0 }] }, '/responses/0/weight'], [{ responses: [{ weight: 1001 }] }, '/responses/0/weight'],
    [{ responses: [{ body: 'a', json: 1 }] }, '/responses/0'],
    [{ responses: [{ bodyBase64: '%%%' }] }, '/responses/0/bodyBase64'],
    [{ responses: [{ headers: { 'a b': 'c' } }] }, '/responses/0/headers/a b'],
    [{ responses: [{ headers: { 'X-A': 'a\r\nX-B: b' } }] }, '/responses/0/headers/X-A'],
    [{ responses: [{ text: 'a' }] }, '/responses/0/text'],
    [{ responses: leaf({ op: 'like' }) }, '/responses/0/when/op'],
    [{ responses: leaf({ in: 'mind' }) }, '/responses/0/when/in'],
    [{ responses: leaf({ op: 'matches', value: '(' }) }, '/responses/0/when/value'],
    [{ responses: leaf({ op: 'matches', value: 'a'.repeat(1025) }) }, '/responses/0/when/value'],
    [{ responses: leaf({ op: 'matches', value: '(?!a)' }) }, '/responses/0/when/value'],
    [{ responses: [{ when: { all: [] } }] }, '/responses/0/when/all'],
  ]) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: '/x', ...fields });
    assert.equal(answer.status, 400, `${JSON.stringify(fields).slice(0, 100)}: ${answer.text}`);
    assert.ok(answer.json.errors.some((e) => e.pointer === pointer), `${JSON.stringify(fields).slice(0, 100)}: ${answer.text}`);
  }
});
