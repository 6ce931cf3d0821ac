// The OpenAPI document describes the server that runs: every operation in it is called, its answer checked.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Host } from './host.mjs';
import { eventually } from './check.mjs';

const { WebSocket } = createRequire(`${process.env.NODE_PATH}/`)('ws');

let host, document;
before(async () => {
  host = await Host.start();
  document = (await host.admin('GET', '/admin/openapi.json')).json;
});
after(async () => { assert.equal(await host.stop(), 0); });

function resolved(schema) {
  for (let hops = 0; schema.$ref !== undefined; ++hops) {
    assert.ok(hops < 10, schema.$ref);
    assert.match(schema.$ref, /^#\//, 'references stay in the document');
    let at = document;
    for (const step of schema.$ref.slice(2).split('/')) {
      at = at?.[step.replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    assert.ok(at !== undefined, `${schema.$ref} leads somewhere`);
    schema = at;
  }
  return schema;
}

function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return typeof value;
}

const keywords = new Set(['$ref', 'type', 'enum', 'const', 'required', 'properties', 'additionalProperties', 'items', 'minItems',
  'maxItems', 'uniqueItems', 'minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'oneOf', 'anyOf', 'allOf', 'not',
  'minProperties', 'maxProperties', 'dependencies', 'description', 'default', 'title', 'format', 'definitions', 'propertyNames', 'examples']);

/** Collects what is wrong with `value` by the subset of JSON Schema that the document may use. */
function faults(schema, value, at = '') {
  if (schema === true) return [];
  if (schema === false) return [`${at}: nothing is allowed here`];
  schema = resolved(schema);
  const out = [];
  for (const keyword of Object.keys(schema)) if (!keywords.has(keyword)) out.push(`${at}: unknown keyword ${keyword}`);
  const type = typeOf(value);
  if (schema.type !== undefined) {
    const types = [schema.type].flat();
    if (!types.includes(type) && !(type === 'integer' && types.includes('number'))) return [...out, `${at}: is ${type}, not ${types}`];
  }
  if (schema.enum && !schema.enum.some((one) => JSON.stringify(one) === JSON.stringify(value))) out.push(`${at}: ${value} is none of ${schema.enum}`);
  if (type === 'string') {
    if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Infinity)) out.push(`${at}: length ${value.length}`);
    if (schema.pattern && !new RegExp(schema.pattern).test(value)) out.push(`${at}: ${value} does not match ${schema.pattern}`);
  }
  if (type === 'integer' || type === 'number') {
    if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)) out.push(`${at}: ${value} is out of bounds`);
  }
  if (type === 'array') {
    if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity)) out.push(`${at}: ${value.length} items`);
    if (schema.items !== undefined) value.forEach((one, i) => out.push(...faults(schema.items, one, `${at}/${i}`)));
  }
  if (type === 'object') {
    for (const name of schema.required ?? []) if (!(name in value)) out.push(`${at}/${name}: is required`);
    for (const [name, one] of Object.entries(value)) {
      const inner = schema.properties?.[name] ?? schema.additionalProperties;
      if (inner !== undefined) out.push(...faults(inner, one, `${at}/${name}`));
    }
  }
  const count = (list) => list.filter((one) => faults(one, value, at).length === 0).length;
  if (schema.oneOf && count(schema.oneOf) !== 1) out.push(`${at}: fits ${count(schema.oneOf)} of oneOf`);
  if (schema.anyOf && count(schema.anyOf) === 0) out.push(`${at}: fits none of anyOf`);
  if (schema.not && count([schema.not]) === 1) out.push(`${at}: fits what it must not`);
  return out;
}

/** All operations: { id, method, path, operation }. */
function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ id: operation.operationId, method: method.toUpperCase(), path, operation })));
}

test('it is OpenAPI 3.1, with unique operation ids, declared path parameters and a security scheme', () => {
  assert.match(document.openapi, /^3\.1\./);
  assert.ok(document.info.title && document.info.version);
  const ids = operations().map((one) => one.id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { id, path, operation } of operations()) {
    const named = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name).sort();
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
    assert.deepEqual(named, inPath, id);
    assert.ok(operation.summary, id);
    assert.ok(operation.responses.default, `${id} says what a problem looks like`);
  }
  const [[scheme]] = document.security.map(Object.keys);
  assert.equal(document.components.securitySchemes[scheme].scheme, 'bearer');
});

test('every reference in it leads somewhere', () => {
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (node === null || typeof node !== 'object') return;
    if (typeof node.$ref === 'string') resolved(node);
    Object.values(node).forEach(walk);
  };
  walk(document);
});

test('it has what the contract names for this version and nothing that the version refuses', () => {
  const listed = operations().map(({ method, path }) => `${method} ${path}`).sort();
  const api = '/admin/api-definitions', channel = '/admin/websocket-endpoints/{id}';
  const crud = (list, one) => [`GET ${list}`, `POST ${list}`, ...['GET', 'PUT', 'PATCH', 'DELETE'].map((method) => `${method} ${list}/{${one}}`)];
  const contract = [
    ...crud(api, 'apiId'), ...crud(`${api}/{apiId}/endpoints`, 'endpointId'), ...crud(`${api}/{apiId}/websocket-endpoints`, 'id'),
    'GET /admin/definitions', 'PUT /admin/definitions', 'POST /admin/reset',
    `GET ${channel}/connections`, `POST ${channel}/connections/broadcast`, `DELETE ${channel}/connections/{connectionId}`,
    `GET ${channel}/messages/stream`, `POST ${channel}/record`, `POST ${api}/{apiId}/websocket-endpoints/{id}/apply`,
    'GET /admin/requests', 'DELETE /admin/requests', 'GET /admin/requests/{id}', 'GET /admin/analytics/summary',
    'GET /admin/dedup', 'DELETE /admin/dedup', 'GET /admin/plugins', 'GET /admin/plugins/{id}', 'GET /admin/pipeline',
    ...['reload', 'disable', 'enable', 'rollback'].map((verb) => `POST /admin/plugins/{id}/${verb}`),
    ...['config', 'canary', 'image'].map((what) => `PUT /admin/plugins/{id}/${what}`), 'DELETE /admin/plugins/{id}',
    'GET /admin/tokens', 'POST /admin/tokens', 'DELETE /admin/tokens/{id}', 'POST /admin/backup', 'GET /admin/openapi.json',
  ].sort();
  const shorter = [`POST ${channel}/broadcast`, `POST ${channel}/apply`];
  assert.deepEqual(listed.filter((one) => !shorter.includes(one)), contract);
  const triggers = document.components.schemas.WebSocketEndpointInput.properties.events.items.properties.trigger.enum;
  assert.deepEqual([...triggers].sort(), ['ack', 'close-after', 'connection', 'interval', 'message', 'schedule']);
  const query = document.paths['/admin/requests'].get.parameters.filter((one) => one.in === 'query').map((one) => one.name);
  for (const name of ['limit', 'cursor', 'apiId', 'endpointId', 'method', 'status', 'country', 'kind', 'connectionId', 'proxied', 'deduplicated', 'since', 'until']) {
    assert.ok(query.includes(name), name);
  }
  assert.ok(!query.includes('q'), 'full text comes later');
});

test('it lists the codes of problems, those of mocks too', () => {
  const text = JSON.stringify(document);
  for (const code of ['invalid-json', 'invalid-input', 'unauthorized', 'forbidden', 'no-such-resource', 'method-not-allowed', 'conflict',
    'precondition-failed', 'unsupported-media-type', 'not-available', 'no-such-api', 'no-such-endpoint', 'no-matching-response',
    'request-invalid', 'upstream-timeout', 'upstream-unreachable', 'upstream-forbidden', 'plugin-failed']) {
    assert.ok(text.includes(code), code);
  }
});

test('every operation answers as it says, with input built from what is there', async () => {
  const api = await host.api('open', [
    { name: 'e', method: 'GET', path: '/e', deduplication: true, responses: [{ name: 'r', json: { a: 1 } }] }, { name: 'f', method: 'GET', path: '/f' }],
    { capture: { bodies: true } });
  const endpoint = api.endpointsByName.e;
  const channel = await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`,
    { path: '/ws/open', events: [{ name: 'hi', payload: { n: 1 }, trigger: 'connection' }] });
  const socket = new WebSocket(`ws://127.0.0.1:${host.port}/ws/open`);
  await once(socket, 'message');
  await host.mock('open', '/e');
  const [record] = await host.requests('?endpointId=' + endpoint.id);
  const token = await host.create('/admin/tokens', { name: 't', role: 'viewer' });
  const connection = await eventually(async () =>
    (await host.admin('GET', `/admin/websocket-endpoints/${channel.id}/connections`)).json.items[0], 'the connection is listed');
  const spare = await host.create('/admin/api-definitions', { slug: 'spare' });

  const parameters = { apiId: api.id, endpointId: endpoint.id, connectionId: connection.id };
  const ids = { '/admin/requests/{id}': record.id, '/admin/tokens/{id}': token.id, '/admin/plugins/{id}': 'mimus.cors' };
  for (const below of ['reload', 'disable', 'enable', 'config', 'canary']) ids[`/admin/plugins/{id}/${below}`] = 'mimus.cors';
  // These need a signed image, or a version before: the stories of hot loading tell them. And a
  // stream does not end: the one of channels' administration tells of it.
  const elsewhere = new Set(['installPlugin', 'removePlugin', 'rollBackPlugin', 'streamMessages']);
  const bodies = {
    createApi: { slug: 'made', cors: { origins: ['http://a.test'] }, hosts: ['made.test'] },
    replaceApi: { slug: 'open', name: 'open' },
    changeApi: { description: 'changed' },
    createEndpoint: { name: 'new', method: 'POST', path: '/new/:id', responses: [{ json: { id: 1 }, when: { all: [{ in: 'path', name: 'id', op: 'equals', value: '1' }] } }, { body: 'x', default: true }] },
    replaceEndpoint: { name: 'e', method: 'GET', path: '/e', cacheEnabled: true, responses: [{ headers: { 'X-A': ['a', 'b'] }, json: null }] },
    changeEndpoint: { priority: 1 },
    createWebSocketEndpoint: { path: '/ws/new', events: [{ name: 'tick', payload: '{{count}}', trigger: 'interval', interval: 1000, times: 3 }] },
    replaceWebSocketEndpoint: { path: '/ws/open', events: [] },
    changeWebSocketEndpoint: { enabled: true },
    importDefinitions: { apis: [{ slug: 'imported', endpoints: [{ method: 'GET', path: '/i' }] }] },
    reset: { journal: true, dedup: true, sequences: true },
    broadcast: { name: 'news', payload: [1] },
    broadcastShort: { text: 'news' },
    recordSession: {},
    createToken: { name: 'made', role: 'editor' },
    configurePlugin: {},
    setCanary: { percent: 0 },
    backup: { directory: `${host.data}/openapi-backup` },
  };
  const queries = { explainPipeline: `?endpointId=${endpoint.id}`, listRequests: '?limit=5&status=200', 'mimus.analytics:GET/summary': '?by=endpoint' };
  // Reading first, then changing, then taking away: from the innermost out.
  const order = { GET: 0, POST: 1, PUT: 2, PATCH: 3, DELETE: 4 };
  const rank = ({ method, path, id }) => order[method] * 100 + (method === 'DELETE' ? (id === 'deleteApi' ? 50 : id === 'closeConnection' ? 0 : 20 - path.split('/').length) : 0) + (id === 'reset' ? 40 : 0);
  const wrong = [];
  for (const one of operations().sort((a, b) => rank(a) - rank(b))) {
    if (elsewhere.has(one.id)) continue;
    const { id, method, path, operation } = one;
    const url = path.replace(/\{(\w+)\}/g, (_, name) => ids[path] ?? parameters[name] ?? channel.id) + (queries[id] ?? '');
    const content = operation.requestBody?.content;
    if (content) {
      if (bodies[id] === undefined) { wrong.push(`${id}: no input is known for it`); continue; }
      const schema = Object.values(content)[0].schema;
      for (const fault of faults(schema, bodies[id])) wrong.push(`${id}: the input does not fit its schema: ${fault}`);
    } else if (bodies[id] !== undefined) {
      wrong.push(`${id}: takes a body that is not described`);
    }
    const answer = await host.admin(method, url, bodies[id]);
    const success = Object.keys(operation.responses).filter((status) => /^2/.test(status));
    if (!success.includes(String(answer.status))) { wrong.push(`${id}: ${method} ${url} was ${answer.status}, not ${success}: ${answer.text.slice(0, 300)}`); continue; }
    const response = operation.responses[answer.status];
    for (const name of Object.keys(response.headers ?? {})) if (!answer.headers.get(name)) wrong.push(`${id}: no ${name}`);
    if (!response.content) {
      if (answer.text !== '') wrong.push(`${id}: has a body: ${answer.text.slice(0, 100)}`);
      continue;
    }
    const type = answer.headers.get('content-type');
    if (!response.content[type]) { wrong.push(`${id}: is ${type}`); continue; }
    for (const fault of faults(response.content[type].schema, answer.json)) wrong.push(`${id}: ${fault}`);
    if (id === 'listRequests' && answer.json.items.length === 0) wrong.push(`${id}: nothing to check in it`);
  }
  assert.deepEqual(wrong, []);
  assert.equal((await host.admin('GET', `/admin/api-definitions/${spare.id}`)).status, 200);
  socket.terminate();
});

test('every operation refuses a missing token and, where it takes a body, a bad one, as the document\'s Problem', async () => {
  const wrong = [];
  for (const { id, method, path, operation } of operations()) {
    const url = path.replace(/\{\w+\}/g, '01ARZ3NDEKTSV4RRFFQ69G5FAV');
    const tries = [[401, await host.admin(method, url, undefined, { authorization: '' })]];
    const bytes = operation.requestBody?.content['application/octet-stream'];  // any are well-formed
    if (operation.requestBody && !bytes) tries.push([400, await host.admin(method, url, '{"')]);
    for (const [status, answer] of tries) {
      const schema = operation.responses.default.content['application/problem+json']?.schema;
      if (answer.status !== status && !(status === 400 && answer.status === 404)) wrong.push(`${id}: ${answer.status}, not ${status}`);
      if (answer.headers.get('content-type') !== 'application/problem+json') wrong.push(`${id}: ${answer.headers.get('content-type')}`);
      for (const fault of faults(schema, answer.json)) wrong.push(`${id}: ${fault}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('a path that is not in the document is 404, also one letter away from those that are', async () => {
  for (const path of ['/admin/api-definition', '/admin/openapi.yaml', '/admin/request', '/admin/plugin', '/admin/analytics', '/admin/dedup/x', '/admin/definitions/x']) {
    const answer = await host.admin('GET', path);
    assert.equal(answer.status, 404, `${path}: ${answer.text}`);
  }
});
