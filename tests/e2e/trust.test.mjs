// Whose plugins are loaded and what they may use: signatures, policies, keys, capabilities, production.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, eventually, scratch } from './host.mjs';
import { assertProblem, mimus } from './check.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const built = scratch();
const path = (...names) => join(built.path, ...names);
const id = 'com.example.asks';
const keys = { vendor: generateKeyPairSync('ed25519'), stranger: generateKeyPairSync('ed25519') };
const all = '{"kv":true,"forward":true,"journal":true,"fetch":{"hosts":["api.example.com"]}}';

/** As its author would compile it: the SDK's headers and nothing else. */
function compile(output, asks = all, extra = []) {
  execFileSync('cc', ['-std=c11', '-Wall', '-Wextra', '-Werror', '-O1', '-fPIC', '-fvisibility=hidden', '-shared',
    `-I${join(here, '../../sdk/include')}`, `-DPLUGIN_ASKS=${JSON.stringify(asks)}`, ...extra, join(here, 'plugins/asks.c'), '-o', output]);
}

/** A directory with these files, by their names in it. */
function directory(name, files) {
  mkdirSync(path(name));
  for (const [as, from] of Object.entries(files)) copyFileSync(path(from), path(name, as));
  return path(name);
}

const pem = (key) => (key.type === 'private' ? key.export({ type: 'pkcs8', format: 'pem' }) : key.export({ type: 'spki', format: 'pem' }));
const sign = (...args) => mimus(['plugin', 'sign', ...args]);
const verify = (file, trust = path('trust.d')) => mimus(['plugin', 'verify', file, '--trust', trust]);

before(async () => {
  for (const [name, pair] of Object.entries(keys)) writeFileSync(path(`${name}.pem`), pem(pair.privateKey));
  mkdirSync(path('trust.d'));
  writeFileSync(path('trust.d/vendor.pem'), pem(keys.vendor.publicKey));
  compile(path('plain.so'));
  assert.equal((await sign(path('plain.so'), '--key', path('vendor.pem'), '--out', path('signed.so'))).code, 0);
  assert.equal((await sign(path('plain.so'), '--key', path('stranger.pem'), '--out', path('strange.so'))).code, 0);
  const changed = readFileSync(path('signed.so'));
  changed[changed.length - 200] ^= 1;
  writeFileSync(path('changed.so'), changed);
});
after(() => built.remove());

/** A host with these plugins and an endpoint that names ours. What happens is in `story`. */
async function serving(options, story) {
  const host = await Host.start(options);
  try {
    await host.api('p', [{ name: 'plain', method: 'GET', path: '/plain', responses: [{ body: 'x' }] }]);
    await story(host);
    assert.equal(await host.stop(), 0);
  } catch (error) {
    await host.kill();
    throw error;
  }
}

/** What an endpoint with the plugin answers, or null where it is not loaded. */
async function given(host) {
  const known = await host.admin('GET', `/admin/plugins/${id}`);
  if (known.status === 404 || !['active', 'probation'].includes(known.json.state)) return null;
  const [api] = (await host.admin('GET', '/admin/api-definitions')).json.items;
  const made = await host.create(`/admin/api-definitions/${api.id}/endpoints`,
    { name: 'asks', method: 'GET', path: '/asks', responses: [{ body: 'x' }], plugins: { [id]: {} } });
  const answer = await host.mock('p', '/asks');
  assert.equal(answer.status, 200);
  await host.admin('DELETE', `/admin/api-definitions/${api.id}/endpoints/${made.id}`);
  return answer.headers.get('x-given');
}

test('sign appends, verify says whose it is, and neither runs the plugin', async () => {
  const good = await verify(path('signed.so'));
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^good signature of the key vendor on com\.example\.asks 1\.0\.0 \(sha256 [0-9a-f]{64}\)\n$/);
  assert.equal(statSync(path('signed.so')).size, statSync(path('plain.so')).size + 112);
  assert.equal(statSync(path('signed.so')).mode, statSync(path('plain.so')).mode);
  writeFileSync(path('cut.so'), readFileSync(path('signed.so')).subarray(0, -5));
  for (const [file, says] of [['plain.so', 'is not signed: sign it with mimus plugin sign'], ['strange.so', /is signed with the key [0-9a-f]{16}, which is not in/],
    ['changed.so', 'was changed after it was signed (key vendor)'], ['cut.so', 'has a signature that is cut short']]) {
    const bad = await verify(path(file));
    assert.equal(bad.code, 1, file);
    assert.equal(bad.out, '');
    assert.equal(bad.err.trimEnd().split('\n').length, 1, bad.err);
    if (says instanceof RegExp) assert.match(bad.err, says); else assert.ok(bad.err.includes(says), bad.err);
  }
});

test('signing again, in place, replaces the signature', async () => {
  copyFileSync(path('strange.so'), path('again.so'));
  const done = await sign(path('again.so'), '--key', path('vendor.pem'));
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /^signed com\.example\.asks 1\.0\.0 with the key [0-9a-f]{16}: /);
  assert.deepEqual(readFileSync(path('again.so')), readFileSync(path('signed.so')), 'Ed25519 is deterministic');
  assert.deepEqual(readdirSync(built.path).filter((name) => name.startsWith('.')), [], 'nothing is left beside it');
});

test('what cannot be signed or verified says why, and how it would be', async () => {
  writeFileSync(path('text.so'), 'no plugin');
  const public_ = path('trust.d/vendor.pem');
  for (const [code, args, says] of [
    [2, ['sign', path('plain.so')], '--key PRIVATE.pem'], [2, ['sign', '--key', path('vendor.pem')], 'FILE.so'], [2, ['verify', path('signed.so')], '--trust DIR'],
    [1, ['sign', path('text.so'), '--key', path('vendor.pem')], 'is no ELF file'], [1, ['sign', path('none.so'), '--key', path('vendor.pem')], 'none.so cannot be read'],
    [1, ['sign', path('plain.so'), '--key', path('none.pem')], 'none.pem cannot be read'], [1, ['sign', path('plain.so'), '--key', public_], 'openssl genpkey -algorithm ed25519'],
    [1, ['sign', path('plain.so'), '--key', path('vendor.pem'), '--out', path('none/x.so')], 'cannot be written'],
    [1, ['verify', path('signed.so'), '--trust', path('none')], 'trust directory'], [1, ['verify', path('text.so'), '--trust', path('trust.d')], 'is no ELF file'],
  ]) {
    const ended = await mimus(['plugin', ...args]);
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.err}`);
    assert.ok(ended.err.includes(says), `${args.join(' ')}: ${ended.err}`);
  }
  for (const verb of ['sign', 'verify']) assert.match((await mimus(['plugin', verb, '--help'])).out, new RegExp(`^Usage: mimus plugin ${verb} `));
});

test('each policy loads what it should, and says why not', async () => {
  for (const [policy, file, loaded, says] of [
    ['off', 'changed.so', true, ''], ['warn', 'plain.so', true, 'is not signed'], ['warn', 'strange.so', true, 'which is not in'],
    ['warn', 'changed.so', false, 'was changed after it was signed'], ['require', 'plain.so', false, 'is not signed: sign it'],
    ['require', 'strange.so', false, 'put its public key there'], ['require', 'signed.so', true, ''],
  ]) {
    const name = `${policy}-${file}`;
    await serving({ args: ['--plugins', directory(name, { 'asks.so': file }), '--trust', path('trust.d'), '--plugin-policy', policy] }, async (host) => {
      assert.equal((await given(host)) !== null, loaded, `${name}: ${host.errors}`);
      if (says) assert.ok(host.errors.includes(says), `${name}: ${host.errors}`);
      else assert.ok(!host.errors.includes('signed'), `${name}: ${host.errors}`);
    });
  }
});

test('a key may be limited to ids and capabilities; what is loaded is a private copy', async () => {
  const trust = path('limited.d');
  mkdirSync(trust);
  copyFileSync(path('trust.d/vendor.pem'), join(trust, 'vendor.pem'));
  const plugins = directory('limited', { 'asks.so': 'signed.so' });
  const args = ['--plugins', plugins, '--trust', trust, '--plugin-policy', 'require'];
  writeFileSync(join(trust, 'vendor.json'), JSON.stringify({ ids: ['com.other.'] }));
  await serving({ args }, async (host) => {
    assert.equal(await given(host), null);
    assert.ok(host.errors.includes('signed by the key vendor, which may not sign com.example.asks'), host.errors);
  });
  writeFileSync(join(trust, 'vendor.json'), JSON.stringify({ ids: ['com.example.'], capabilities: ['kv', 'journal'] }));
  await serving({ args }, async (host) => {
    assert.equal(await given(host), 'kv journal timer hash');
    const copies = join(host.data, 'plugins/images');
    assert.equal(statSync(copies).mode & 0o777, 0o700);
    const [copy] = readdirSync(copies);
    assert.match(copy, /^com\.example\.asks-[0-9a-f]{16}-\d+\.so$/);
    assert.equal(statSync(join(copies, copy)).mode & 0o777, 0o500);
    writeFileSync(join(plugins, 'asks.so'), 'overwritten in place, which kills who has mapped it');
    assert.equal(await given(host), 'kv journal timer hash');
  });
  writeFileSync(join(trust, 'vendor.json'), '{"id":[]}');
  const refused = await mimus(['serve', '--listen', '127.0.0.1:0', '--data', path('refused'), ...args]);
  assert.equal(refused.code, 1, refused.err);
  assert.ok(refused.err.includes('unknown key "id" in'), refused.err);
});

test('a plugin is given what its manifest declares, less what the operator denies', async () => {
  const config = path('config.json');
  compile(path('modest.so'), '{"journal":true}');
  for (const [file, denied, expected] of [
    ['plain.so', undefined, 'kv fetch forward journal timer hash'], ['plain.so', { [id]: { deny: ['fetch', 'kv'] } }, 'forward journal timer hash'],
    ['plain.so', { 'com.example.other': { deny: ['kv'] } }, 'kv fetch forward journal timer hash'], ['modest.so', undefined, 'journal timer hash'],
  ]) {
    writeFileSync(config, JSON.stringify(denied ? { pluginCapabilities: denied } : {}));
    const plugins = directory(`given-${file}-${Object.keys(denied ?? {}).length}-${expected.length}`, { 'asks.so': file });
    await serving({ args: ['--config', config, '--plugins', plugins] }, async (host) => assert.equal(await given(host), expected));
  }
  const inspect = await mimus(['plugin', 'inspect', path('plain.so')]);
  assert.match(inspect.out, /may use +kv, fetch, forward, journal\nfetches +api\.example\.com\n/);
});

test('SIGHUP reads keys again and tightens the policy, but never loosens it', async () => {
  const config = path('policy.json'), trust = path('growing.d');
  mkdirSync(trust);
  const say = (policy) => writeFileSync(config, JSON.stringify({ 'plugin-policy': policy, trust }));
  say('warn');
  await serving({ args: ['--config', config] }, async (host) => {
    const hang_up = async (text) => {
      const before_ = host.errors.split(text).length;
      host.child.kill('SIGHUP');
      await eventually(() => host.errors.split(text).length > before_, text);
    };
    say('require');
    await hang_up('the keys for plugins were read again');
    assert.ok(!host.errors.includes('loosened'), host.errors);
    say('off');
    await hang_up('the plugin policy is require and is not loosened to off while running');
    writeFileSync(join(trust, 'bad.pem'), 'x');
    await hang_up('bad.pem holds no public key');
    assert.ok(host.errors.includes('the old keys and policy stay'), host.errors);
  });
});

test('production: https targets only, no private ones, signed plugins only', async () => {
  const plugins = directory('production', { 'asks.so': 'plain.so' });
  await serving({ args: ['--production', '--plugins', plugins, '--trust', path('trust.d')] }, async (host) => {
    assert.equal(await given(host), null);
    assert.ok(host.errors.includes('is not signed'), host.errors);
    const [api] = (await host.admin('GET', '/admin/api-definitions')).json.items;
    const target = (proxyTarget) => host.admin('POST', `/admin/api-definitions/${api.id}/endpoints`,
      { name: 'proxy', method: 'GET', path: '/proxy', proxyMode: true, proxyTarget });
    const problem = assertProblem(await target('http://api.example.com/'), 400, 'invalid-input', '/proxyTarget');
    assert.ok(problem.errors[0].detail.includes('only https targets are allowed (--production)'), problem.errors[0].detail);
    assertProblem(await target('https://127.0.0.1/'), 400, 'invalid-input', '/proxyTarget');
    assert.equal((await target('https://api.example.com/')).status, 201);
  });
  for (const [args, says] of [[['--plugin-policy', 'warn'], 'must be require under --production'], [['--proxy-allow-private', 'yes'], 'must be no under --production']]) {
    const refused = await mimus(['serve', '--production', ...args]);
    assert.equal(refused.code, 2, refused.err);
    assert.ok(refused.err.includes(says), refused.err);
  }
});
