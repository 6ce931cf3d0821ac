// How the host is told what to do: flags, environment, config file; and how it refuses what is wrong.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync, statSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Host, binary, scratch, upstream } from './host.mjs';
import { mimus } from './check.mjs';

/** A directory for one test, with a config file in it when `config` is given. */
async function inScratch(story, config) {
  const directory = scratch();
  const file = join(directory.path, 'mimus.json');
  if (config !== undefined) writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  try {
    await story(directory.path, file);
  } finally {
    directory.remove();
  }
}

/** Starts `mimus serve` with exactly these words; for what Host.start's own flags would hide. */
async function bare(args, { env = {}, cwd } = {}) {
  const surroundings = { ...process.env, ...env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete surroundings[name];
  const child = spawn(binary, ['serve', ...args], { env: surroundings, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let out = '', err = '';
  child.stderr.on('data', (chunk) => (err += chunk));
  const ready = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => { out += chunk; if (out.includes('\n')) resolve(out.split('\n')[0]); });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${err}`)));
  });
  return { ready, url: /http:\/\/[^ ,;]+/.exec(ready)?.[0], stop: async () => { child.kill('SIGTERM'); return (await exited)[0]; } };
}

/** It must end with exit 2 at once, naming `says` on one line. */
async function refusedAs(code, args, says, options = {}) {
  const ended = await mimus(['serve', ...args], options);
  assert.equal(ended.code, code, `${args.join(' ')}: ${ended.code} ${ended.err}`);
  assert.equal(ended.out, '', 'no ready line');
  assert.equal(ended.err.trimEnd().split('\n').length, 1, ended.err);
  for (const one of [says].flat()) {
    if (one instanceof RegExp) assert.match(ended.err, one); else assert.ok(ended.err.includes(one), `${one}: ${ended.err}`);
  }
}

test('help and version need no data directory and leave nothing behind', async () => {
  await inScratch(async (cwd) => {
    for (const args of [['--help'], ['--version'], ['serve', '--help'], ['token', '--help'], ['backup', '--help'], ['restore', '--help'], ['plugin', '--help']]) {
      const ended = await mimus(args, { cwd });
      assert.equal(ended.code, 0, ended.err);
      assert.notEqual(ended.out, '');
      assert.equal(ended.err, '');
    }
    assert.equal(existsSync(join(cwd, 'mimus-data')), false);
    assert.match((await mimus(['--version'])).out, /^mimus \d+\.\d+\.\d+\n$/);
  });
});

test('help names every flag that works and none that does not', async () => {
  const help = (await mimus(['serve', '--help'])).out;
  for (const flag of ['listen', 'admin-listen', 'data', 'definitions', 'default-api', 'plugins', 'workers', 'journal',
    'journal-retention', 'geo-db', 'tls-cert', 'tls-key', 'tls-client-ca', 'proxy-allow-private', 'log-format', 'log-level', 'config',
    'plugin-policy', 'plugin-probation', 'trust', 'production', 'supervise', 'no-supervise', 'plugin-hang', 'proxy-default-timeout', 'dedup-ttl-seconds',
    'geo-cache-ttl-seconds']) {
    assert.match(help, new RegExp(`--${flag}\\b`), flag);
  }
  for (const flag of ['pingInterval', 'maxPayload']) {
    assert.doesNotMatch(help, new RegExp(`--${flag}\\b`), flag);
  }
  const top = (await mimus(['--help'])).out;
  for (const verb of ['serve', 'plugin', 'backup', 'restore', 'token']) assert.match(top, new RegExp(`\\b${verb}\\b`));
  for (const verb of ['check', 'new', 'sign', 'verify']) assert.match(top, new RegExp(`\\b${verb}\\b`));
});

test('usage faults are exit 2 and name what is wrong', async () => {
  await inScratch(async (cwd) => {
    for (const [args, says] of [
      [[], 'Usage'],
      [['frobnicate'], 'frobnicate'],
      [['serve', '--lisen', '127.0.0.1:0'], ['--lisen', '--listen']],
      [['serve', 'now'], 'now'],
      [['serve', '--workers'], 'workers'],
      [['serve', '--workers', '2', '--workers', '3'], '--workers'],
      [['token'], 'token'],
      [['token', 'make', 'x'], 'token'],
      [['token', 'create'], 'token'],
      [['token', 'revoke', 'x'], 'x'],
      [['token', 'create', 'x', '--role', 'root'], 'root'],
      [['backup'], 'backup'],
      [['restore'], 'restore'],
      [['plugin'], 'plugin'],
      [['plugin', 'sing'], 'plugin'],
    ]) {
      const ended = await mimus(args, { cwd });
      assert.equal(ended.code, 2, `${args.join(' ')}: ${ended.code} ${ended.err}`);
      for (const one of [says].flat()) assert.ok(ended.err.includes(one), `${args.join(' ')}: ${ended.err}`);
      assert.equal(ended.out, '');
    }
    assert.equal(existsSync(join(cwd, 'mimus-data')), false, 'nothing was made');
  });
});

test('bad values are exit 2 and name the flag, the value and what it must be', async () => {
  await inScratch(async (cwd, file) => {
    const data = join(cwd, 'data');
    for (const [flag, value] of [
      ['workers', '0'], ['workers', 'many'], ['workers', '257'], ['journal', 'some'], ['journal-retention', 'x'], ['journal-retention', '0d'],
      ['log-format', 'xml'], ['log-level', 'loud'], ['proxy-allow-private', 'perhaps'], ['default-api', 'Bad Slug'],
      ['dedup-ttl-seconds', 'x'], ['dedup-ttl-seconds', '-1'], ['proxy-default-timeout', '99'], ['proxy-default-timeout', '30001'],
      ['listen', 'nonsense'], ['listen', '127.0.0.1:99999'], ['listen', '127.0.0.1'], ['listen', ''], ['admin-listen', 'x'],
    ]) {
      await refusedAs(2, ['--data', data, `--${flag}`, value], `--${flag}`);
    }
    await refusedAs(2, ['--data', data], 'MIMUS_WORKERS', { env: { MIMUS_WORKERS: 'x' } });
    await refusedAs(2, ['--data', data], 'MIMUS_ADMIN_TOKEN', { env: { MIMUS_ADMIN_TOKEN: 'with space' } });
    for (const [key, value] of [['maxHeaderBytes', 'x'], ['maxHeaderBytes', -1], ['headerTimeoutMs', 0], ['maxJsonDepth', 1.5],
      ['pingInterval', 0], ['pingTimeout', '20s'], ['connectTimeout', -1], ['maxPayload', 0],
      ['trustedProxies', ['not an address']], ['trustedProxies', ['10.0.0.0/33']], ['workers', []], ['workers', [1, 2]], ['workers', {}]]) {
      writeFileSync(file, JSON.stringify({ [key]: value }));
      await refusedAs(2, ['--data', data, '--config', file], [key, 'mimus.json']);
    }
    assert.equal(existsSync(data), false, 'nothing was made');
  });
});

test('unknown keys of the config file are refused by name, with the likely one', async () => {
  await inScratch(async (cwd, file) => {
    const data = join(cwd, 'data');
    for (const [text, says] of [
      ['{"workerz":2}', ['"workerz"', 'workers', 'mimus.json']],
      ['{"listen":"127.0.0.1:0","nested":{}}', ['"nested"', 'mimus.json']],
      ['{"plugins":{"com.example.none":{}}}', ['com.example.none']],
      ['{"workers":2', ['mimus.json']],
      ['[]', ['mimus.json']],
      ['', ['mimus.json']],
      ['{"workers":2,"workers":3}', ['workers']],
    ]) {
      writeFileSync(file, text);
      await refusedAs(2, ['--listen', '127.0.0.1:0', '--data', data, '--config', file], says);
    }
    await refusedAs(2, ['--data', data, '--config', join(cwd, 'none.json')], 'none.json');
    assert.equal(existsSync(data), false);
  });
});

test('a flag wins over the environment, that over the file, that over the default', async () => {
  await inScratch(async (cwd, file) => {
    const [byFlag, byEnvironment, byFile] = ['flag', 'environment', 'file'].map((name) => join(cwd, name));
    const anywhere = ['--listen', '127.0.0.1:0', '--workers', '1', '--config', file];
    const env = { MIMUS_ADMIN_TOKEN: 'x', MIMUS_DATA: undefined };
    writeFileSync(file, JSON.stringify({ data: byFile }));
    const first = await bare([...anywhere, '--data', byFlag], { env: { ...env, MIMUS_DATA: byEnvironment }, cwd });
    assert.equal(await first.stop(), 0);
    assert.deepEqual([byFlag, byEnvironment, byFile].map(existsSync), [true, false, false]);
    const second = await bare(anywhere, { env: { ...env, MIMUS_DATA: byEnvironment }, cwd });
    assert.equal(await second.stop(), 0);
    assert.deepEqual([byEnvironment, byFile].map(existsSync), [true, false]);
    const third = await bare(anywhere, { env, cwd });
    assert.equal(await third.stop(), 0);
    assert.equal(existsSync(byFile), true);
    assert.equal(existsSync(join(cwd, 'mimus-data')), false);
    writeFileSync(file, '{}');
    const fourth = await bare(anywhere, { env: { ...env, MIMUS_LISTEN: '127.0.0.1:1' }, cwd });
    assert.equal(await fourth.stop(), 0);
    assert.equal(existsSync(join(cwd, 'mimus-data')), true, 'the default, ./mimus-data');
  });
});

test('repeated flags are a comma in the environment and an array in the file', async () => {
  await inScratch(async (cwd, file) => {
    const data = join(cwd, 'data');
    const urls = (host) => host.ready.match(/http:\/\/127\.0\.0\.1:\d+/g);
    const env = { MIMUS_ADMIN_TOKEN: 'x' };
    for (const options of [
      [['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0'], env],
      [[], { ...env, MIMUS_LISTEN: '127.0.0.1:0,127.0.0.1:0' }],
      [['--config', file], env],
    ]) {
      writeFileSync(file, JSON.stringify({ listen: ['127.0.0.1:0', '127.0.0.1:0'] }));
      const host = await bare(['--data', data, '--workers', '1', ...options[0]], { env: options[1], cwd });
      assert.equal(urls(host).length, 2, host.ready);
      assert.match(host.ready, /^mimus ready on http:\/\/127\.0\.0\.1:\d+, http:\/\/127\.0\.0\.1:\d+ \(/);
      for (const url of urls(host)) assert.equal((await fetch(`${url}/healthz`)).status, 200);
      assert.equal(await host.stop(), 0);
    }
  });
});

test('the ready line names the address, with the port that was picked, and where the token is', async () => {
  await inScratch(async (cwd) => {
    const data = join(cwd, 'data');
    const generated = await bare(['--listen', '127.0.0.1:0', '--data', data], { env: { MIMUS_ADMIN_TOKEN: undefined }, cwd });
    const file = join(data, 'admin-token');
    assert.match(generated.ready, /^mimus ready on http:\/\/127\.0\.0\.1:[1-9]\d* \(admin token: in .*\/admin-token\)$/);
    assert.ok(generated.ready.includes(file), generated.ready);
    assert.equal(statSync(data).mode & 0o777, 0o700);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const token = readFileSync(file, 'utf8').trim();
    assert.ok(token.length >= 20);
    const ask = (host, secret) => fetch(`${host.url}/admin/tokens`, { headers: { authorization: `Bearer ${secret}` } }).then((r) => r.status);
    assert.equal(await ask(generated, token), 200);
    assert.equal(await generated.stop(), 0);

    const again = await bare(['--listen', '127.0.0.1:0', '--data', data], { env: { MIMUS_ADMIN_TOKEN: undefined }, cwd });
    assert.equal(readFileSync(file, 'utf8').trim(), token, 'the token stays over a restart');
    assert.equal(await ask(again, token), 200);
    assert.equal(await again.stop(), 0);

    const told = await bare(['--listen', '127.0.0.1:0', '--data', data], { env: { MIMUS_ADMIN_TOKEN: 'my-own-token' }, cwd });
    assert.match(told.ready, /^mimus ready on http:\/\/127\.0\.0\.1:\d+ \(admin token: from MIMUS_ADMIN_TOKEN\)$/);
    assert.equal(await ask(told, 'my-own-token'), 200);
    assert.equal(await ask(told, 'another'), 401);
    assert.equal(await told.stop(), 0);
    assert.doesNotMatch(told.ready, /my-own-token/);
  });
});

test('a data directory that is there keeps its files and is made private', async () => {
  await inScratch(async (cwd) => {
    const data = join(cwd, 'a', 'b');
    const host = await Host.start({ data });
    assert.equal(statSync(data).mode & 0o777, 0o700);
    assert.equal(await host.stop(), 0);
    const file = join(cwd, 'file');
    writeFileSync(file, 'x');
    const ended = await mimus(['serve', '--listen', '127.0.0.1:0', '--data', file]);
    assert.equal(ended.code, 1, ended.err);
    assert.ok(ended.err.includes(file), ended.err);
  });
});

test('an address in use is exit 1 and named, whoever uses it', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const host = await Host.start();
  try {
    await inScratch(async (cwd) => {
      for (const port of [other.address().port, host.port]) {
        const address = `127.0.0.1:${port}`;
        const data = join(cwd, `data-${port}`);
        await refusedAs(1, ['--listen', address, '--data', data], [address, /in use/]);
        await refusedAs(1, ['--listen', '127.0.0.1:0', '--admin-listen', address, '--data', data], [address, /in use/]);
      }
      await refusedAs(1, ['--listen', '192.0.2.1:0', '--data', join(cwd, 'far')], '192.0.2.1');
      await refusedAs(1, ['--listen', `unix:${join(cwd, 'none', 'x.sock')}`, '--data', join(cwd, 'far')], /./).catch((error) => {
        assert.match(error.message, / 2 /, 'a Unix socket is for --admin-listen alone');
      });
    });
    assert.equal((await fetch(`${host.url}/healthz`)).status, 200, 'the first goes on');
  } finally {
    other.close();
    assert.equal(await host.stop(), 0);
  }
});

test('--admin-listen moves /admin and /metrics away from the public port', async () => {
  const host = await Host.start({ args: ['--admin-listen', '127.0.0.1:0'] });
  const admin = /; admin on (http:\/\/127\.0\.0\.1:\d+)/.exec(host.readyLine)?.[1];
  assert.ok(admin, host.readyLine);
  const headers = { authorization: 'Bearer e2e-token' };
  for (const path of ['/admin/api-definitions', '/metrics']) {
    assert.equal((await fetch(admin + path, { headers })).status, 200, path);
    assert.equal((await fetch(host.url + path, { headers })).status, 404, path);
  }
  const made = await fetch(`${admin}/admin/definitions`, { method: 'PUT', headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ apis: [{ slug: 'moved', endpoints: [{ method: 'GET', path: '/x', responses: [{ body: 'x' }] }] }] }) });
  assert.equal(made.status, 200);
  assert.equal(await (await host.mock('moved', '/x')).text(), 'x');
  assert.equal((await fetch(`${admin}/mock/moved/x`, { headers })).status, 404, 'mocks stay on the public port');
  assert.equal((await fetch(`${host.url}/healthz`)).status, 200);
  assert.equal(await host.stop(), 0);
});

test('--admin-listen takes a Unix socket', async () => {
  const directory = scratch();
  const socketPath = join(directory.path, 'admin.sock');
  const host = await Host.start({ args: ['--admin-listen', `unix:${socketPath}`] });
  assert.match(host.readyLine, /; admin on /);
  const status = await new Promise((resolve, reject) => {
    request({ socketPath, path: '/admin/api-definitions', headers: { authorization: 'Bearer e2e-token' } },
      (answer) => { answer.resume(); resolve(answer.statusCode); }).on('error', reject).end();
  });
  assert.equal(status, 200);
  assert.equal((await fetch(`${host.url}/admin/api-definitions`, { headers: { authorization: 'Bearer e2e-token' } })).status, 404);
  assert.equal(await host.stop(), 0);
  directory.remove();
});

test('the default API answers at / too, but not over the reserved paths', async () => {
  const host = await Host.start({ args: ['--default-api', 'front'] });
  assert.equal((await fetch(`${host.url}/hello`)).status, 404, 'it is not there yet');
  await host.api('front', [{ method: 'GET', path: '/hello', responses: [{ body: 'front' }] }, { method: 'GET', path: '/*rest', responses: [{ body: 'rest' }] }]);
  assert.equal(await (await fetch(`${host.url}/hello`)).text(), 'front');
  assert.equal(await (await fetch(`${host.url}/`)).text(), 'rest');
  assert.equal((await fetch(`${host.url}/healthz`)).headers.get('content-type'), 'application/json');
  assert.equal((await fetch(`${host.url}/admin/x`)).status, 401);
  assert.equal((await fetch(`${host.url}/mock/none/x`)).status, 404);
  assert.equal(await host.stop(), 0);
});

test('the original\'s PROXY_DEFAULT_TIMEOUT is honoured, below the MIMUS_ name', async () => {
  const slow = await upstream(() => {});
  for (const [env, low, high] of [
    [{ PROXY_DEFAULT_TIMEOUT: '150' }, 140, 25_000],
    [{ PROXY_DEFAULT_TIMEOUT: '29000', MIMUS_PROXY_DEFAULT_TIMEOUT: '150' }, 140, 25_000],
  ]) {
    const host = await Host.start({ env });
    await host.api('slow', [{ method: 'GET', path: '/x', proxyMode: true, proxyTarget: `${slow.url}/` }]);
    const since = Date.now();
    const answer = await host.mock('slow', '/x');
    const took = Date.now() - since;
    assert.equal(answer.status, 504);
    assert.ok(took >= low && took < high, `${took} ms`);
    assert.equal(await host.stop(), 0);
  }
  await slow.stop();
});

test('the original\'s DEDUP_TTL_SECONDS is honoured, below the MIMUS_ name', async () => {
  for (const env of [{ DEDUP_TTL_SECONDS: '1' }, { DEDUP_TTL_SECONDS: '60', MIMUS_DEDUP_TTL_SECONDS: '1' }]) {
    const host = await Host.start({ env });
    await host.api('dup', [{ method: 'GET', path: '/d', deduplication: true, responseMode: 'sequence',
      responses: ['first', 'second'].map((body) => ({ body })) }]);
    const since = Date.now();
    assert.equal(await (await host.mock('dup', '/d')).text(), 'first');
    let answer;
    do {
      answer = await (await host.mock('dup', '/d')).text();
      assert.ok(Date.now() - since < 50_000, 'it is forgotten');
    } while (answer === 'first');
    assert.ok(Date.now() - since >= 900, 'but kept for its second');
    assert.equal(answer, 'second');
    assert.equal(await host.stop(), 0);
  }
});

test('--journal off keeps no records and serves all the same', async () => {
  const host = await Host.start({ args: ['--journal', 'off'] });
  await host.api('quiet', [{ method: 'GET', path: '/x' }]);
  assert.equal((await host.mock('quiet', '/x')).status, 200);
  assert.deepEqual(await host.requests(), []);
  assert.equal(await host.stop(), 0);
});

test('--plugins that names no directory is exit 2, an empty one is fine', async () => {
  await inScratch(async (cwd) => {
    await refusedAs(2, ['--listen', '127.0.0.1:0', '--data', join(cwd, 'data'), '--plugins', join(cwd, 'none')], 'none');
    mkdirSync(join(cwd, 'empty'));
    const host = await Host.start({ args: ['--plugins', join(cwd, 'empty')] });
    assert.equal(await host.stop(), 0);
  });
});

test('the log is JSON lines when told so, and has no secret in it', async () => {
  const host = await Host.start({ args: ['--log-format', 'json', '--log-level', 'debug'] });
  await host.create('/admin/api-definitions', { slug: 'log' });
  assert.equal(await host.stop(), 0);
  const lines = host.errors.trim().split('\n').filter((line) => line !== '');
  for (const line of lines) assert.equal(typeof JSON.parse(line), 'object', line);
  assert.ok(!host.errors.includes('e2e-token'));
});
