// Tokens by the command line, copies of the data directory, and who may have it open.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host, scratch } from './host.mjs';
import { mimus } from './check.mjs';

const env = { MIMUS_ADMIN_TOKEN: 'e2e-token', MIMUS_DATA: undefined };
const ulid = /[0-7][0-9A-HJKMNP-TV-Z]{25}/;

async function inScratch(story) {
  const directory = scratch();
  try {
    await story(directory.path);
  } finally {
    directory.remove();
  }
}

/** Runs a verb that must succeed; returns its stdout. */
async function must(args, options = { env }) {
  const ended = await mimus(args, options);
  assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.err}`);
  assert.equal(ended.err, '');
  return ended.out;
}

async function mustFail(code, args, says, options = { env }) {
  const ended = await mimus(args, options);
  assert.equal(ended.code, code, `${args.join(' ')}: ${ended.code} ${ended.err}`);
  assert.equal(ended.out, '');
  assert.equal(ended.err.trimEnd().split('\n').length, 1, ended.err);
  for (const one of [says].flat()) assert.ok(ended.err.includes(one), `${one}: ${ended.err}`);
}

async function status(host, secret, method = 'GET', body) {
  return (await host.admin(method, '/admin/api-definitions', body, { authorization: `Bearer ${secret}` })).status;
}

/** Makes a token with the verb: the secret alone on stdout, so that a script can take it. */
async function create(where, name, role) {
  const made = await mimus(['token', 'create', name, ...(role ? ['--role', role] : []), ...where], { env });
  assert.equal(made.code, 0, made.err);
  const id = ulid.exec(made.err)?.[0];
  const secret = made.out.trimEnd();
  assert.match(secret, /^\S{20,}$/);
  const listed = (await must(['token', 'list', ...where])).split('\n').find((line) => line.includes(id));
  assert.ok(listed?.includes(name), 'it is listed');
  assert.ok(!listed.includes(secret), 'the list has no secret');
  return { id, secret, role: listed };
}

test('tokens of a stopped host are made, listed and revoked in its data directory', async () => {
  await inScratch(async (directory) => {
    const data = join(directory, 'data');
    await mustFail(1, ['token', 'list', '--data', data], data);
    const first = await Host.start({ data });
    assert.equal(await first.stop(), 0);
    const where = ['--data', data];
    const viewer = await create(where, 'reader');
    const editor = await create(where, 'writer', 'editor');
    assert.match(viewer.role, /viewer/);
    assert.match(editor.role, /editor/);
    let host = await Host.start({ data });
    assert.equal(await status(host, viewer.secret), 200);
    assert.equal(await status(host, viewer.secret, 'POST', { slug: 'x' }), 403);
    assert.equal(await status(host, editor.secret, 'POST', { slug: 'x' }), 201);
    assert.equal(await host.stop(), 0);
    await must(['token', 'revoke', viewer.id, ...where]);
    await mustFail(1, ['token', 'revoke', viewer.id, ...where], viewer.id);
    assert.doesNotMatch(await must(['token', 'list', ...where]), /reader/);
    host = await Host.start({ data });
    assert.equal(await status(host, viewer.secret), 401);
    assert.equal(await status(host, editor.secret), 200);
    assert.equal(await host.stop(), 0);
  });
});

test('tokens of a running host are found through its data directory, and count at once', async () => {
  const host = await Host.start();
  const where = ['--data', host.data];
  const token = await create(where, 'live', 'admin');
  assert.equal(await status(host, token.secret), 200);
  await must(['token', 'revoke', token.id, ...where]);
  assert.equal(await status(host, token.secret), 401);
  await mustFail(1, ['token', 'revoke', token.id, ...where], '404');
  const viewer = await create(where, 'weak', 'viewer');
  await mustFail(2, ['token', 'list', ...where, '--token', viewer.secret], '403').catch(() =>
    mustFail(1, ['token', 'list', ...where, '--token', viewer.secret], '403'));
  assert.equal(await host.stop(), 0);
});

test('a running host is named by --admin URL and token, too', async () => {
  const host = await Host.start();
  const where = ['--admin', host.url, '--token', 'e2e-token'];
  const token = await create(where, 'far', 'viewer');
  assert.equal(await status(host, token.secret), 200);
  await mustFail(1, ['token', 'list', '--admin', 'http://127.0.0.1:1', '--token', 'x'], '127.0.0.1:1');
  const wrong = await mimus(['token', 'list', '--admin', host.url, '--token', 'wrong'], { env });
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.err, /401/);
  assert.equal(await host.stop(), 0);
  const { port } = host;
  await mustFail(1, ['token', 'list', '--admin', `http://127.0.0.1:${port}`, '--token', 'x'], String(port));
});

test('a generated admin token is found in the data directory by the verbs', async () => {
  const host = await Host.start({ env: { MIMUS_ADMIN_TOKEN: '' } });
  await must(['token', 'list', '--data', host.data], { env: { MIMUS_ADMIN_TOKEN: undefined } });
  const made = await mimus(['token', 'create', 'by-file', '--data', host.data], { env: { MIMUS_ADMIN_TOKEN: undefined } });
  assert.equal(made.code, 0, made.err);
  assert.equal(await host.stop(), 0);
});

test('a data directory may have a longer path than a Unix socket', async () => {
  await inScratch(async (directory) => {
    const data = join(directory, 'x'.repeat(120));
    const host = await Host.start({ data });
    const token = await create(['--data', data], 'long', 'viewer');
    assert.equal(await status(host, token.secret), 200);
    assert.equal(await host.stop(), 0);
    assert.match(await must(['token', 'list', '--data', data]), /long/, 'nobody answers there now');
  });
});

for (const running of [true, false]) {
  test(`a backup of a ${running ? 'running' : 'stopped'} host restores to a host with the same definitions, journal and tokens`, async () => {
    await inScratch(async (directory) => {
      const [data, copy, again] = ['data', 'copy', 'again'].map((name) => join(directory, name));
      let host = await Host.start({ data });
      await host.api('kept', [{ method: 'GET', path: '/x', responses: [{ body: 'kept' }] }]);
      for (let i = 0; i < 20; ++i) await host.mock('kept', '/x');
      assert.equal((await host.requests()).length, 20);
      const token = await create(['--data', data], 'kept', 'viewer');
      const definitions = (await host.admin('GET', '/admin/definitions')).text;
      if (!running) assert.equal(await host.stop(), 0);
      assert.ok((await must(['backup', copy, '--data', data])).includes(copy));
      await mustFail(1, ['backup', copy, '--data', data], copy);
      if (running) {
        await host.create('/admin/api-definitions', { slug: 'later' });
        await mustFail(1, ['restore', copy, '--data', data], data);
        assert.equal(await host.stop(), 0);
      }
      await mustFail(1, ['restore', copy, '--data', data], data);
      await must(['restore', copy, '--data', again]);
      assert.equal(statSync(again).mode & 0o777, 0o700);
      await mustFail(1, ['restore', copy, '--data', again], again);

      host = await Host.start({ data: again });
      assert.equal((await host.admin('GET', '/admin/definitions')).text, definitions);
      assert.equal(await (await host.mock('kept', '/x')).text(), 'kept');
      assert.equal(await status(host, token.secret), 200);
      assert.equal((await host.requests()).length, 21);
      assert.equal(await host.stop(), 0);
    });
  });
}

test('a bad backup or restore says what and leaves nothing behind', async () => {
  await inScratch(async (directory) => {
    const none = join(directory, 'none'), target = join(directory, 'target'), other = join(directory, 'other');
    await mustFail(1, ['backup', target, '--data', none], none);
    await mustFail(1, ['restore', none, '--data', target], none);
    mkdirSync(other);
    writeFileSync(join(other, 'letter.txt'), 'dear');
    await mustFail(1, ['restore', other, '--data', target], other);
    assert.equal(existsSync(target), false);
    assert.deepEqual(readdirSync(other), ['letter.txt']);
    const host = await Host.start();
    const relative = await host.admin('POST', '/admin/backup', { directory: 'relative' });
    assert.equal(relative.status, 400, relative.text);
    assert.equal(relative.json.errors[0].pointer, '/directory');
    const there = await host.admin('POST', '/admin/backup', { directory: other });
    assert.ok([400, 409].includes(there.status), there.text);
    assert.equal(there.headers.get('content-type'), 'application/problem+json');
    assert.equal(await host.stop(), 0);
  });
});

test('a second host on a data directory is refused with exit 1 and a line that names it', async () => {
  const host = await Host.start();
  const since = Date.now();
  await mustFail(1, ['serve', '--listen', '127.0.0.1:0', '--data', host.data], [host.data, 'in use']);
  assert.ok(Date.now() - since < 60_000);
  assert.equal((await fetch(`${host.url}/healthz`)).status, 200);
  await host.create('/admin/api-definitions', { slug: 'still' });
  await must(['token', 'list', '--data', host.data]);
  assert.equal(await host.stop(), 0);
});

test('data that is damaged or of another program is refused with a line that names it', async () => {
  await inScratch(async (directory) => {
    const data = join(directory, 'data');
    const host = await Host.start({ data });
    assert.equal(await host.stop(), 0);
    const database = readdirSync(data).map((name) => join(data, name)).find((path) => existsSync(join(path, 'CURRENT'))) ?? data;
    writeFileSync(join(database, 'CURRENT'), 'MANIFEST-999999\n');
    await mustFail(1, ['serve', '--listen', '127.0.0.1:0', '--data', data, '--log-level', 'error'], data);
  });
});
