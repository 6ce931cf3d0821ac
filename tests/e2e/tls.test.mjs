// TLS to the host, with node's clients, curl and WebSockets.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { scratch, curl } from './host.mjs';
import { mimus, eventually } from './check.mjs';
import { Authority, flagsOf, get, startSecure } from './secure.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');

let directory, authority, ca, first, second;
before(() => {
  directory = scratch();
  authority = new Authority(directory.path);
  ca = authority.text;
  first = authority.make('first', ['localhost', '127.0.0.1']);
  second = authority.make('second', ['second.test', '*.wild.test'], { rsa: true });
});
after(() => directory.remove());

/** A host for the time of `story`, with the endpoint /mock/a/x and a slow one. */
async function withHost(options, story) {
  const host = await startSecure(options);
  try {
    await host.api('a', [
      { method: 'GET', path: '/x', responses: [{ body: 'hello' }] },
      { method: 'GET', path: '/slow', responses: [{ body: 'late', delayMs: 2000 }] },
      { method: 'GET', path: '/large', responses: [{ body: 'L'.repeat(3_000_000) }] },
    ]);
    await story(host);
  } finally {
    assert.equal(await host.stop(), 0);
  }
}

/** Whom the host's certificate names. */
const nameShown = (answer) => answer.socket.getPeerCertificate().subject.CN;

/** A connected TLS socket. */
async function connected(host, options = {}) {
  const socket = connectTls({ host: '127.0.0.1', port: host.port, servername: 'localhost', ca, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Everything that comes until `mark` was in it. */
async function readTo(socket, mark) {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes(mark)) break;
  }
  return text;
}

test('TLS 1.2 and 1.3 are spoken, older ones refused, and every handshake is counted', () => withHost({ args: flagsOf(first) }, async (host) => {
  assert.match(host.readyLine, /^mimus ready on https:\/\/127\.0\.0\.1:\d+ /);
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const answer = await get(host, '/mock/a/x', { ca, minVersion: version, maxVersion: version });
    assert.equal(answer.text, 'hello');
    assert.equal(answer.socket.getProtocol(), version);
    assert.equal(nameShown(answer), 'first');
  }
  await assert.rejects(get(host, '/mock/a/x', { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  const byCurl = await curl('--cacert', authority.file, `https://127.0.0.1:${host.port}/mock/a/large`);
  assert.equal(byCurl.status, 200);
  assert.equal(byCurl.body.length, 3_000_000);
  const plain = await curl(`http://127.0.0.1:${host.port}/mock/a/x`);
  assert.equal(plain.status, 400);
  assert.match(plain.body, /speaks HTTPS/);
  assert.equal(await host.metric('tls_handshakes_total'), 3);
  await eventually(async () => await host.metric('tls_handshakes_failed_total') === 2, 'two that failed');
  await eventually(async () => await host.metric('tls_connections_active') === 0, 'no TLS connection is left');
}));

test('each name gets the certificate that bears it', () => withHost({ args: flagsOf(first, second) }, async (host) => {
  for (const [servername, shown] of [['localhost', 'first'], ['second.test', 'second'], ['a.wild.test', 'second'], ['other.test', 'first']]) {
    const answer = await get(host, '/mock/a/x', { ca, servername, checkServerIdentity: () => undefined });
    assert.equal(nameShown(answer), shown, servername);
  }
}));

test('a client may show a certificate, and one by others is refused', async () => {
  const clients = new Authority(directory.path, 'clients');
  const own = clients.make('client');
  const pem = ({ cert, key }) => ({ cert: readFileSync(cert), key: readFileSync(key) });
  await withHost({ args: [...flagsOf(first), '--tls-client-ca', clients.file] }, async (host) => {
    assert.equal((await get(host, '/mock/a/x', { ca })).text, 'hello');
    assert.equal((await get(host, '/mock/a/x', { ca, ...pem(own) })).text, 'hello');
    await assert.rejects(get(host, '/mock/a/x', { ca, ...pem(second) }));
  });
});

test('a session is resumed on whichever worker', () => withHost({ args: flagsOf(first), workers: 2 }, async (host) => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const options = { minVersion: version, maxVersion: version };
    const socket = await connected(host, options);
    let session = socket.getSession();
    socket.on('session', (one) => (session = one));
    socket.write('GET /mock/a/x HTTP/1.1\r\nHost: x\r\n\r\n');
    await readTo(socket, 'hello');
    socket.destroy();
    for (let i = 0; i < 6; ++i) {
      const again = await connected(host, { ...options, session });
      assert.equal(again.isSessionReused(), true, `${version}, ${i}`);
      again.destroy();
    }
  }
}));

test('SIGHUP brings new certificates without dropping a connection, and keeps the old ones if they are bad', async () => {
  const cert = join(directory.path, 'current.pem'), key = join(directory.path, 'current.key'), config = join(directory.path, 'mimus.json');
  const put = (pair) => {
    copyFileSync(pair.key, `${key}.new`);
    renameSync(`${key}.new`, key);
    copyFileSync(pair.cert, `${cert}.new`);
    renameSync(`${cert}.new`, cert);
  };
  put(first);
  const settings = { 'tls-cert': cert, 'tls-key': key, maxHeaders: 100, headerTimeoutMs: 120_000 };
  writeFileSync(config, JSON.stringify(settings));
  await withHost({ args: ['--config', config] }, async (host) => {
    const kept = await connected(host);
    const options = { ca, checkServerIdentity: () => undefined };
    const shown = new Set();
    let requests = 0, stopping = false;
    const load = async (agent) => {
      while (!stopping) {
        const answer = await get(host, '/mock/a/x', { ...options, agent });
        assert.equal(answer.text, 'hello');
        shown.add(nameShown(answer) ?? [...shown].at(-1));
        ++requests;
      }
    };
    const slow = get(host, '/mock/a/slow', options);
    const loads = [load(false), load(false), load(new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 }))];
    await eventually(() => requests > 20, 'load');
    const third = authority.make('third', ['localhost']);
    for (let i = 0; i < 3; ++i) {
      put(i % 2 === 0 ? third : first);
      host.child.kill('SIGHUP');
      const before = i;
      await eventually(() => host.errors.split('read again').length - 1 > before, 'the reload');
      const want = i % 2 === 0 ? 'third' : 'first';
      assert.equal(nameShown(await get(host, '/mock/a/x', { ...options, agent: false })), want);
    }
    writeFileSync(cert, 'no certificate');
    writeFileSync(config, JSON.stringify({ ...settings, maxHeaders: 90, workers: 1 }));
    host.child.kill('SIGHUP');
    await eventually(() => host.errors.includes(`${cert} holds no PEM certificate`), 'the error');
    assert.match(host.errors, /for a restart only: maxHeaders, workers\n/);
    assert.equal(nameShown(await get(host, '/mock/a/x', { ...options, agent: false })), 'third');
    writeFileSync(config, '{');
    host.child.kill('SIGHUP');
    await eventually(() => host.errors.includes('is not JSON'), 'the error of the config file');
    assert.equal((await slow).text, 'late');
    stopping = true;
    await Promise.all(loads);
    assert.deepEqual([...shown].sort(), ['first', 'third']);
    kept.write('GET /mock/a/x HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(await readTo(kept, 'hello'), /^HTTP\/1\.1 200 /);
    kept.destroy();
  });
});

test('WebSockets and draining work over TLS', () => withHost({ args: flagsOf(first) }, async (host) => {
  const api = await host.create('/admin/api-definitions', { slug: 'ws' });
  await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`,
    { path: '/ws/news', events: [{ name: 'welcome', trigger: 'connection', payload: { n: 1 } }] });
  const socket = new WebSocket(`wss://127.0.0.1:${host.port}/ws/news`, { ca });
  const [message] = await once(socket, 'message');
  assert.deepEqual(JSON.parse(message), { event: 'welcome', data: { n: 1 } });
  let slow;
  await host.inHand(() => { slow = get(host, '/mock/a/slow', { ca }); });
  assert.equal(await host.metric('tls_connections_active'), 2);
  const closed = once(socket, 'close');
  host.child.kill('SIGTERM');
  assert.equal((await slow).text, 'late');
  assert.equal((await closed)[0], 1001);
}));

test('the admin address speaks TLS too, and so does the command line', () => withHost({ args: [...flagsOf(first), '--admin-listen', '127.0.0.1:0'] }, async (host) => {
  const admin = /admin on (https:\/\/\S+)/.exec(host.readyLine)[1];
  const listed = await mimus(['token', 'create', 'ci', '--admin', admin, '--token', host.token], { env: { SSL_CERT_FILE: authority.file } });
  assert.equal(listed.code, 0, listed.err);
  const unknown = await mimus(['token', 'list', '--admin', admin, '--token', host.token], { env: { SSL_CERT_FILE: '/dev/null', SSL_CERT_DIR: '/dev/null' } });
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /certificate/);
}));

test('files that cannot be used are named before anything listens', async () => {
  const bad = join(directory.path, 'bad.pem');
  writeFileSync(bad, 'nothing');
  const start = (...args) => mimus(['serve', '--listen', '127.0.0.1:0', '--data', join(directory.path, 'none'), ...args]);
  for (const [args, code, says] of [
    [['--tls-cert', first.cert], 2, `tls-cert ${first.cert} has no key`],
    [['--tls-key', first.key], 2, `tls-key ${first.key} has no certificate`],
    [[...flagsOf(first), '--tls-cert', second.cert], 2, `tls-cert ${second.cert} has no key`],
    [['--tls-client-ca', authority.file], 2, 'needs TLS'],
    [['--tls-cert', '/absent.pem', '--tls-key', first.key], 1, '/absent.pem cannot be read: No such file'],
    [['--tls-cert', bad, '--tls-key', first.key], 1, `${bad} holds no PEM certificate`],
    [['--tls-cert', first.cert, '--tls-key', bad], 1, `${bad} holds no PEM private key`],
    [['--tls-cert', first.cert, '--tls-key', second.key], 1, `${second.key} is not the key of the certificate in ${first.cert}`],
    [[...flagsOf(first), '--tls-client-ca', bad], 1, bad],
  ]) {
    const ended = await start(...args);
    assert.equal(ended.code, code, ended.err);
    assert.ok(ended.err.includes(says), ended.err);
    assert.equal(ended.err.trimEnd().split('\n').length, 1, ended.err);
    assert.equal(ended.out, '');
  }
});
