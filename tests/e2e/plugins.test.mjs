// Third parties' plugins: compiled against the SDK alone, loaded from --plugins, contained when they misbehave.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, scratch } from './host.mjs';
import { assertProblem, mimus } from './check.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const include = join(here, '../../sdk/include');
const built = scratch();
const path = (name) => join(built.path, name);

/** Compiles a plugin as its author would: the SDK's headers and nothing else, with a C++ runtime of its own. */
function compile(source, output, ...definitions) {
  const cpp = source.endsWith('.cc');
  execFileSync(cpp ? 'c++' : 'cc', [cpp ? '-std=c++20' : '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-pedantic', '-O1', '-fPIC',
    '-fvisibility=hidden', ...(cpp ? ['-fno-gnu-unique', '-static-libstdc++', '-Wl,--exclude-libs,ALL'] : []), '-static-libgcc', '-shared', `-I${include}`, ...definitions, join(here, 'plugins', source),
    ...(cpp ? [join(here, '../../sdk/cmake/freeres.cc')] : []), '-o', output]);
}

/** A directory with these plugins in it. */
function directory(name, files) {
  mkdirSync(path(name));
  for (const file of files) copyFileSync(path(file), join(path(name), file));
  return path(name);
}

const closed = 'com.example.misuse', open = 'com.example.lenient', wall = 'com.example.wall';
let host, api;
before(async () => {
  compile('misuse.c', path('misuse.so'));
  compile('misuse.c', path('lenient.so'), `-DPLUGIN_ID="${open}"`, '-DPLUGIN_FAIL="open"');
  compile('wall.cc', path('wall.so'));
  host = await Host.start({ args: ['--plugins', directory('all', ['misuse.so', 'lenient.so', 'wall.so'])] });
  const endpoint = (name, plugins) => ({ name, method: 'GET', path: `/${name}`, responses: [{ body: name }], plugins });
  api = await host.api('p', [endpoint('plain', {}), endpoint('closed', { [closed]: {} }), endpoint('open', { [open]: { value: 'x' } }),
    endpoint('wall', { [wall]: {} })]);
});
after(async () => {
  if (host) assert.equal(await host.stop(), 0);
  built.remove();
});

async function ask(name, what) {
  const answer = await host.mock('p', `/${name}`, { headers: what ? { 'x-do': what } : {} });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

test('a plugin adds its header where an endpoint names it, and is nowhere else', async () => {
  const with_ = await ask('closed');
  assert.equal(with_.status, 200);
  assert.equal(with_.text, 'closed');
  assert.equal(with_.headers.get('x-third-party'), 'was here');
  assert.equal((await ask('plain')).headers.get('x-third-party'), null);
  assert.equal((await ask('wall')).headers.get('x-wall'), 'stands');
});

for (const what of ['fail', 'unknown-action', 'suspend-without-hold', 'responded-without-answer', 'never-resume']) {
  test(`in the request direction, ${what} is 503 when the plugin fails closed, and skipped when it fails open`, async () => {
    const refused = await ask('closed', what);
    assert.equal(refused.status, 503, refused.text);
    const problem = JSON.parse(refused.text);
    assert.equal(problem.type, 'urn:mimus:error:plugin-failed');
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    const [record] = await host.requests('?limit=1');
    assert.equal(record.status, 503);
    assert.equal(record.error, 'plugin-failed');
    const skipped = await ask('open', what);
    assert.equal(skipped.status, 200, skipped.text);
    assert.equal(skipped.text, 'open');
    assert.equal((await ask('closed')).status, 200, 'the next request is served');
  });
}

test('a failure in the response direction follows the fail policy, too', async () => {
  assert.equal((await ask('closed', 'fail-in-response')).status, 503);
  const skipped = await ask('open', 'fail-in-response');
  assert.equal(skipped.status, 200);
  assert.equal(skipped.text, 'open');
});

test('exceptions end at the SDK\'s wall: one request fails, the process goes on', async () => {
  for (const what of ['throw', 'throw-a-number', 'throw-late']) {
    const refused = await ask('wall', what);
    assert.equal(refused.status, 503, `${what}: ${refused.text}`);
    assert.equal(JSON.parse(refused.text).type, 'urn:mimus:error:plugin-failed');
  }
  assert.equal((await ask('wall')).status, 200);
});

test('answering twice is one answer, and an answer that is not announced is none or one, never two', async () => {
  const twice = await ask('closed', 'respond-twice');
  assert.ok((twice.status === 201 && twice.text === 'first') || twice.status === 503 || (twice.status === 202 && twice.text === 'second'), `${twice.status} ${twice.text}`);
  const forgotten = await ask('closed', 'respond-and-next');
  assert.ok([200, 201, 503].includes(forgotten.status), `${forgotten.status} ${forgotten.text}`);
  const text = await host.raw('GET /mock/p/closed HTTP/1.1\r\nHost: x\r\nX-Do: respond-twice\r\n\r\nGET /mock/p/plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.equal(text.match(/HTTP\/1\.1 /g).length, 2, text);
  assert.ok(text.endsWith('plain'), text);
});

test('values that would split a header or a status that is none are refused with INVAL', async () => {
  for (const what of ['respond-bad-status', 'respond-bad-header', 'split-header']) {
    const answer = await ask('closed', what);
    assert.equal(answer.status, 200, `${what}: ${answer.text}`);
    assert.equal(answer.headers.get('x-rc'), 'inval', what);
    assert.equal(answer.headers.get('x-split'), null);
    assert.equal(answer.headers.get('x-evil'), null);
  }
});

test('resuming twice resumes once, and the second is told GONE', async () => {
  const answer = await ask('closed', 'resume-twice');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, 'closed');
});

test('a plugin that refuses to bind fails its endpoint closed, or is left out open', async () => {
  for (const [id, status] of [[closed, 503], [open, 200]]) {
    const name = `refuse-${id}`;
    await host.create(`/admin/api-definitions/${api.id}/endpoints`, { name, method: 'GET', path: `/${name}`, plugins: { [id]: { refuse: true } } });
    assert.equal((await ask(name)).status, status, id);
  }
  await host.create(`/admin/api-definitions/${api.id}/endpoints`, { method: 'GET', path: '/throws', plugins: { [wall]: { x: 'throw-in-bind' } } });
  assert.equal((await ask('throws')).status, 503);
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/throws', plugins: { [wall]: { x: 'throw-in-bind' } } });
  const head = await host.raw('GET /ws/throws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n', { until: '\r\n\r\n' });
  assert.match(head, /^HTTP\/1\.1 503 /, 'a WebSocket is not opened without it');
});

test('the admin API shows the plugins, their failures, and where each stands in a pipeline', async () => {
  const listed = (await host.admin('GET', '/admin/plugins?limit=1000')).json.items;
  for (const id of [closed, open, wall]) {
    const [one] = listed.filter((plugin) => plugin.id === id);
    assert.equal(one.builtin, false, id);
    assert.match(one.file, /\.so$/);
  }
  assert.ok(listed.filter((plugin) => plugin.builtin).length >= 8);
  const shown = await host.admin('GET', `/admin/plugins/${closed}`);
  assert.equal(shown.status, 200);
  assert.equal(shown.json.version, '1.2.3');
  assert.equal(shown.json.phase, 'transform');
  assert.equal(shown.json.summary, 'Adds a header, misbehaves on demand');
  assert.ok(shown.json.failures >= 5, `${shown.json.failures} failures`);
  assert.ok(shown.json.bindings >= 1);
  assertProblem(await host.admin('GET', '/admin/plugins/com.example.none'), 404, 'no-such-resource');

  const pipeline = await host.admin('GET', `/admin/pipeline?endpointId=${api.endpointsByName.closed.id}`);
  assert.equal(pipeline.status, 200, pipeline.text);
  const steps = pipeline.json;
  const at = steps.findIndex((step) => step.plugin === closed);
  assert.ok(at > 0 && at < steps.length - 1, pipeline.text);
  assert.equal(steps[at].phase, 'transform');
  assert.match(steps[at].why, /transform/);
  const phases = ['observe', 'edge', 'auth', 'traffic', 'cache', 'transform', 'content'];
  const order = steps.map((step) => phases.indexOf(step.phase));
  assert.deepEqual(order, [...order].sort((a, b) => a - b), 'outermost first');
  assert.equal(steps.some((step) => step.plugin === wall), false, 'what is not used is not there');
});

test('the endpoint\'s part is checked against the plugin\'s schema, and false switches it off', async () => {
  const list = `/admin/api-definitions/${api.id}/endpoints`;
  const bad = await host.admin('POST', list, { method: 'GET', path: '/x', plugins: { [closed]: { colour: 1 } } });
  assertProblem(bad, 400, 'invalid-input', `/plugins/${closed}/colour`);
  const other = await host.create('/admin/api-definitions', { slug: 'wide', plugins: { [closed]: {} } });
  for (const [name, plugins] of [['inherits', {}], ['off', { [closed]: false }]]) {
    await host.create(`/admin/api-definitions/${other.id}/endpoints`, { name, method: 'GET', path: `/${name}`, plugins });
  }
  assert.equal((await host.mock('wide', '/inherits')).headers.get('x-third-party'), 'was here');
  assert.equal((await host.mock('wide', '/off')).headers.get('x-third-party'), null);
});

test('a hundred requests at once with every kind of misuse leave the host well', async () => {
  const kinds = ['fail', 'respond-twice', 'suspend-without-hold', 'resume-twice', 'split-header', 'never-resume', undefined];
  const before = (await (await fetch(`${host.url}/healthz`)).json()).status;
  const answers = await Promise.all(Array.from({ length: 105 }, (_, i) => ask(i % 2 ? 'closed' : 'open', kinds[i % kinds.length])));
  assert.ok(answers.every((answer) => answer.status < 600));
  assert.equal(before, 'ok');
  assert.equal((await ask('closed')).status, 200);
});

test('what a plugin that is gone left is kept and shown, and follows its fail policy', async () => {
  const data = scratch();
  const plugins = directory('vanishing', ['misuse.so']);
  let own = await Host.start({ data: data.path, args: ['--plugins', plugins] });
  const made = await own.api('v', [{ name: 'e', method: 'GET', path: '/e', plugins: { [closed]: { value: 'kept' } } }]);
  assert.equal((await own.mock('v', '/e')).status, 200);
  assert.equal(await own.stop(), 0);
  own = await Host.start({ data: data.path });
  const url = `/admin/api-definitions/${made.id}/endpoints/${made.endpointsByName.e.id}`;
  const shown = await own.admin('GET', url);
  assert.deepEqual(shown.json.plugins, { [closed]: { value: 'kept' } });
  assert.equal((await own.mock('v', '/e')).status, 503, 'its last manifest says closed');
  assertProblem(await own.admin('PATCH', url, { plugins: { [closed]: { value: 'new' } } }), 400, 'invalid-input', `/plugins/${closed}`);
  assert.equal((await own.admin('PATCH', url, { priority: 2 })).status, 200, 'other fields may change');
  assert.equal((await own.admin('PATCH', url, { plugins: null })).status, 200, 'and it may be taken away');
  assert.equal((await own.mock('v', '/e')).status, 200);
  assert.equal(await own.stop(), 0);
  data.remove();
});

test('a file that is no plugin, or a broken one, is refused and named, and the host serves without it', async () => {
  const source = readFileSync(join(here, 'plugins/misuse.c'), 'utf8');
  const variant = (name, from, to) => {
    assert.ok(source.includes(from), from);
    const file = path(`${name}.c`);
    writeFileSync(file, source.replace(from, to));
    execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-fPIC', '-shared', `-I${include}`, file, '-o', path(`${name}.so`)]);
  };
  variant('manifest', '\\"version\\":\\"1.2.3\\"', '\\"version\\":');
  variant('key', '\\"summary\\"', '\\"sumary\\"');
  variant('phase', '\\"phase\\":\\"transform\\"', '\\"phase\\":\\"later\\"');
  variant('abi', '\\"major\\":1', '\\"major\\":9');
  variant('other-id', '.id = PLUGIN_ID', '.id = "com.example.other"');
  variant('no-create', 'return MIMUS_OK;\n}\n\nstatic void destroy', 'return MIMUS_E_UNAVAILABLE;\n}\n\nstatic void destroy');
  variant('no-entry', 'MIMUS_EXPORT(entry)', 'const void *keep(void) { return entry(0, 0); }');
  writeFileSync(path('text.so'), 'not an ELF file');
  writeFileSync(path('cut.so'), readFileSync(path('misuse.so')).subarray(0, 3000));
  writeFileSync(path('empty.so'), '');
  const names = ['manifest', 'key', 'phase', 'abi', 'other-id', 'no-create', 'no-entry', 'text', 'cut', 'empty'];
  for (const name of names) {
    const bad = await Host.start({ args: ['--log-level', 'error', '--plugins', directory(`bad-${name}`, [`${name}.so`])] });
    const listed = (await bad.admin('GET', '/admin/plugins')).json.items.filter((one) => !one.builtin);
    assert.deepEqual(listed.map((one) => one.state), ['rejected'], `${name}: ${JSON.stringify(listed)}`);
    const { history: events } = (await bad.admin('GET', `/admin/plugins/${listed[0].id}`)).json;
    assert.equal(events[0].event, 'rejected', name);
    assert.ok(events[0].detail.includes(`${name}.so`), `${name}: ${events[0].detail}`);
    assert.ok(bad.errors.includes(`${name}.so`), `${name}: ${bad.errors}`);
    assert.equal(await bad.stop(), 0, name);
  }
});

test('plugin list and inspect read files without running them', async () => {
  const list = await mimus(['plugin', 'list', '--plugins', path('all')]);
  assert.equal(list.code, 0, list.err);
  for (const id of [closed, open, wall, 'mimus.mock', 'mimus.cors']) assert.ok(list.out.includes(id), id);
  const inspect = await mimus(['plugin', 'inspect', path('misuse.so')]);
  assert.equal(inspect.code, 0, inspect.err);
  for (const word of [closed, '1.2.3', 'Adds a header', 'transform', 'closed', '1.0']) assert.ok(inspect.out.includes(word), word);
  for (const [words, code, says] of [[['inspect', path('none.so')], 1, 'none.so'], [['inspect', path('text.so')], 1, 'text.so'],
    [['inspect'], 2, 'inspect'], [['list', '--plugins', path('nowhere')], 1, 'nowhere']]) {
    const ended = await mimus(['plugin', ...words]);
    assert.equal(ended.code, code, `${words}: ${ended.err}`);
    assert.ok(ended.err.includes(says), ended.err);
  }
});
