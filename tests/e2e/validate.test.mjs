// Validation: JSON Schema stands between a request's body and the mock.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Host, curl, upstream } from './host.mjs';

let host;
before(async () => { host = await Host.start(); });
after(async () => { assert.equal(await host.stop(), 0); });

const user = {
  type: 'object', required: ['name', 'age'], additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
    'a/b~c': { type: 'string' },
  },
};
const checked = (schema, fields = {}) =>
  ({ name: 'checked', method: 'POST', path: '/x', requestSchema: schema, responses: [{ status: 201, body: 'made' }], ...fields });

async function send(slug, body, headers = { 'content-type': 'application/json' }) {
  const answer = await host.mock(slug, '/x', { method: 'POST', body, headers });
  const text = await answer.text();
  return { status: answer.status, text, type: answer.headers.get('content-type'), json: answer.status >= 400 ? JSON.parse(text) : undefined };
}
const pointers = (answer) => [...new Set(answer.json.errors.map((e) => e.pointer))].sort();

test('a body that matches its schema reaches the mock', async () => {
  await host.api('good', [checked(user)]);
  for (const body of ['{"name":"Ada","age":36}', ' {"age":0,"name":"x","tags":["a","b"]}\n']) {
    const answer = await send('good', body);
    assert.deepEqual([answer.status, answer.text], [201, 'made'], body);
  }
  const plain = await send('good', '{"name":"Ada","age":36}', { 'content-type': 'application/vnd.api+json; charset=utf-8' });
  assert.equal(plain.status, 201);
});

test('a body that does not is 400 request-invalid with a pointer to each fault', async () => {
  const api = await host.api('enforce', [checked(user)]);
  const rows = [
    ['{"name":"Ada","age":"36"}', ['/age']],
    ['{"name":"","age":-1}', ['/age', '/name']],
    ['{"name":"Ada","age":1.5}', ['/age']],
    ['{"name":"Ada","age":1,"tags":["a",2]}', ['/tags/1']],
    ['{"name":"Ada","age":1,"tags":["a","a"]}', ['/tags']],
    ['{"name":"Ada","age":1,"a/b~c":1}', ['/a~1b~0c']],
    ['{"name":"Ada"}', ['']],
    ['[]', ['']], ['"text"', ['']], ['null', ['']], ['7', ['']],
  ];
  for (const [body, at] of rows) {
    const answer = await send('enforce', body);
    assert.equal(answer.status, 400, body);
    assert.equal(answer.type, 'application/problem+json');
    assert.equal(answer.json.type, 'urn:mimus:error:request-invalid');
    assert.equal(answer.json.status, 400);
    assert.deepEqual(pointers(answer), at, `${body}: ${answer.text}`);
    for (const error of answer.json.errors) assert.ok(error.detail.length > 0);
  }
  const extra = await send('enforce', '{"name":"Ada","age":1,"more":1}');
  assert.equal(extra.status, 400);
  const records = await host.requests(`?apiId=${api.id}`);
  assert.equal(records.length, rows.length + 1);
  for (const record of records) assert.deepEqual([record.status, record.error, record.responseName], [400, 'request-invalid', null]);
  assert.ok(records.every((r) => r.endpointId === api.endpointsByName.checked.id));
});

test('an empty body and one that is no JSON are refused', async () => {
  await host.api('empty', [checked({})]);
  for (const body of [undefined, '', '  \n', '{', '{"a":1,}', "{'a':1}", 'name=Ada', '{"a":1} x', '\u0000', '['.repeat(5000) + ']'.repeat(5000)]) {
    const answer = await send('empty', body);
    assert.equal(answer.status, 400, JSON.stringify(body)?.slice(0, 40));
    assert.equal(answer.json.type, 'urn:mimus:error:request-invalid');
    assert.deepEqual(pointers(answer), ['']);
  }
  const binary = await send('empty', new Uint8Array([0x22, 0xff, 0xfe, 0x22]));
  assert.equal(binary.status, 400, 'JSON is UTF-8');
});

test('report lets everything pass, and journals what was wrong', async () => {
  const api = await host.api('report', [checked(user, { validationMode: 'report' })]);
  for (const body of ['{"name":"Ada","age":36}', '{"name":1}', '', 'no json']) {
    const answer = await send('report', body);
    assert.deepEqual([answer.status, answer.text], [201, 'made'], body);
  }
  const records = await host.requests(`?apiId=${api.id}`);
  assert.deepEqual(records.map((r) => [r.status, r.error]),
    [[201, 'request-invalid'], [201, 'request-invalid'], [201, 'request-invalid'], [201, null]]);
});

test('it runs after proxy has declined: a proxied endpoint is not checked here', async () => {
  const up = await upstream((request, response) => response.end('up'));
  try {
    await host.api('through', [checked(user, { proxyMode: true, proxyTarget: up.url })]);
    const answer = await send('through', 'no json at all');
    assert.deepEqual([answer.status, answer.text], [200, 'up']);
    assert.equal(up.seen[0].body, 'no json at all');
  } finally {
    await up.stop();
  }
});

test('a local $ref, combinations and formats of draft 7 work', async () => {
  await host.api('refs', [checked({
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { node: { type: 'object', properties: { next: { $ref: '#/definitions/node' }, v: { const: 1 } }, required: ['v'] } },
    if: { required: ['next'] }, then: { $ref: '#/definitions/node' }, else: { enum: [{ leaf: true }] },
  })]);
  assert.equal((await send('refs', '{"v":1,"next":{"v":1,"next":{"v":1}}}')).status, 201);
  assert.equal((await send('refs', '{"leaf":true}')).status, 201);
  assert.equal((await send('refs', '{"leaf":false}')).status, 400);
  const deep = await send('refs', '{"v":1,"next":{"v":1,"next":{"v":2}}}');
  assert.equal(deep.status, 400);
  assert.ok(pointers(deep).includes('/next/next/v'), deep.text);
});

test('a pattern that kills backtracking engines is answered at once on RE2', async () => {
  await host.api('nasty', [checked({ type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' }, b: { pattern: '(.*)*=(.*)*$' } } })]);
  const started = performance.now();
  const long = 'a'.repeat(200_000);
  assert.equal((await send('nasty', JSON.stringify({ a: long }))).status, 201);
  const bad = await send('nasty', JSON.stringify({ a: `${long}!` }));
  assert.equal(bad.status, 400);
  assert.deepEqual(pointers(bad), ['/a']);
  assert.equal((await send('nasty', JSON.stringify({ b: long }))).status, 400);
  assert.ok(performance.now() - started < 60_000, `${performance.now() - started} ms`);
  assert.equal((await send('nasty', '{"a":"aaa"}')).status, 201, 'the host still answers');
});

test('many equal members and a wide body cost no more than their size', async () => {
  await host.api('wide', [checked({ type: 'array', uniqueItems: true, items: { type: 'integer' } })]);
  const numbers = Array.from({ length: 30_000 }, (_, i) => i);
  const started = performance.now();
  assert.equal((await send('wide', JSON.stringify(numbers))).status, 201);
  const twice = await send('wide', JSON.stringify([...numbers, 0]));
  assert.equal(twice.status, 400);
  assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`);
});

test('a schema that is none is refused at definition with its pointer', async () => {
  const api = await host.api('bad');
  const rows = [
    ['text', '/requestSchema'],
    [7, '/requestSchema'],
    [{ type: 'objekt' }, '/requestSchema'],
    [{ properties: { a: { type: 'string', pattern: '(' } } }, '/requestSchema/properties/a/pattern'],
    [{ properties: { a: { pattern: '(?=a)b' } } }, '/requestSchema/properties/a/pattern'],
    [{ patternProperties: { '(a)\\1': {} } }, '/requestSchema/patternProperties/(a)\\1'],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema' }, '/requestSchema/$schema'],
    [{ properties: { a: { $ref: 'https://example.com/x.json' } } }, '/requestSchema/properties/a/$ref'],
    [{ $ref: '#/definitions/nowhere' }, '/requestSchema/$ref'],
    [{ required: 'name' }, '/requestSchema'],
    [{ minLength: -1 }, '/requestSchema'],
  ];
  for (const [schema, pointer] of rows) {
    const answer = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, checked(schema));
    assert.equal(answer.status, 400, `${JSON.stringify(schema)}: ${answer.text}`);
    assert.ok(answer.json.errors.some((e) => e.pointer === pointer), `${JSON.stringify(schema)}: ${answer.text}`);
  }
  const mode = await host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`, checked({}, { validationMode: 'strict' }));
  assert.equal(mode.status, 400);
  assert.deepEqual(mode.json.errors.map((e) => e.pointer), ['/validationMode']);
  assert.equal((await send('bad', '{}')).status, 404, 'nothing was defined');
});

test('a body beyond the limit is 413 before it is read', async () => {
  await host.api('large', [checked(user)]);
  const head = await host.raw(
    `POST /mock/large/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${11 << 20}\r\n\r\n`, { until: '\r\n\r\n' });
  assert.match(head, /^HTTP\/1\.1 413 /);
  const curled = await curl('-X', 'POST', '-H', 'Content-Type: application/json', '-d', '{"name":"Ada","age":1}', `${host.url}/mock/large/x`);
  assert.equal(curled.status, 201);
});
