// An author of plugins: from `mimus plugin new` to a header on a live endpoint, by the commands of the project's README.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync, existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, binary, eventually, scratch } from './host.mjs';
import { assertShown, bash, steps } from './documented.mjs';
import { mimus } from './check.mjs';

const tree = join(dirname(fileURLToPath(import.meta.url)), '../..');
const readme = readFileSync(join(tree, 'README.md'), 'utf8');
const there = (command) => spawnSync(command, ['--version']).status === 0;
const rust = Number(/^rustc 1\.(\d+)/.exec(spawnSync('rustc', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0);
const launcher = there('ccache') ? 'ccache' : '';
const env = {
  PATH: `${dirname(binary)}:${process.env.PATH}`, CMAKE_C_COMPILER_LAUNCHER: launcher, CMAKE_CXX_COMPILER_LAUNCHER: launcher,
  CCACHE_NOHASHDIR: '1', CMAKE_BUILD_PARALLEL_LEVEL: '2',
};

/** A new project in the folder `at`; its README's blocks of commands, in which the host is at `url`. */
async function project(at, language, url, ...flags) {
  const made = await mimus(['plugin', 'new', 'hello', '--lang', language, ...flags], { cwd: at });
  assert.equal(made.code, 0, made.err);
  return steps(readFileSync(join(at, 'hello/README.md'), 'utf8').replaceAll('http://127.0.0.1:3000', url));
}

for (const language of ['c', 'cpp', 'rust']) {
  const skip = language === 'rust' && rust < 77 && 'there is no rustc of 1.77 or newer';
  test(`a plugin in ${language} is live after the five commands of its README`, { skip }, async (t) => {
    const folder = scratch(), first = scratch();
    mkdirSync(join(folder.path, 'plugins'));
    const host = await Host.start({ args: ['--plugins', join(folder.path, 'plugins')], data: join(folder.path, 'mimus-data'), env: { MIMUS_ADMIN_TOKEN: '' } });
    t.after(async () => { assert.equal(await host.stop(), 0); folder.remove(); first.remove(); });
    const [start, ...more] = await project(first.path, language, host.url);
    if (language === 'cpp') assert.ok(readme.includes(start.commands.replaceAll(host.url, 'http://127.0.0.1:3000')), 'the README says the same');
    const commands = start.commands.trim().split('\n');
    assert.ok(commands.length <= 5, start.commands);

    const surroundings = { cwd: folder.path, env: { ...env, CCACHE_BASEDIR: folder.path } };
    const afresh = { cwd: folder.path, env: { ...env, CCACHE_DISABLE: '1' } };
    const began = performance.now();
    for (const command of commands) {
      const output = await bash(command, afresh);
      assert.ok(!output.includes('Error: Command failed'), output);
      if (command.startsWith('cp ')) {
        host.token = readFileSync(join(folder.path, 'mimus-data/admin-token'), 'utf8').trim();
        await eventually(async () => (await host.admin('GET', '/admin/plugins/com.example.hello')).status === 200, 'the plugin');
      }
    }
    const answer = await eventually(async () => {
      const got = await host.mock('hello', '/hello');
      await got.text();
      return got.headers.get('x-hello') && got;
    }, 'the header');
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    assert.equal(answer.headers.get('x-hello'), 'world');
    console.log(`# ${language}: ${commands.length} commands, ${seconds} s from new to a header on a live endpoint`);

    assert.equal(more.length, 3, 'a look, the test, the check');
    for (const { commands: command, shown } of more) {
      assert.notDeepEqual(shown, []);
      assertShown(await bash(command, surroundings), shown, command);
    }
  });
}

test('a project finds an installed SDK and the one of the tree, and says what it lacks', { skip: process.env.MIMUS_ROOT && 'no build folder' }, async (t) => {
  const folder = scratch();
  t.after(() => folder.remove());
  await project(folder.path, 'cpp', 'http://x', '--sdk', 'find', '--id', 'org.example.other');
  const source = join(folder.path, 'hello');
  assert.ok(!existsSync(join(source, 'sdk')));
  const prefix = join(folder.path, 'prefix');
  execFileSync('cmake', ['--install', join(dirname(binary), '..'), '--component', 'sdk', '--prefix', prefix]);
  const configure = (build, ...flags) => spawnSync('cmake', ['-S', source, '-B', join(folder.path, build), ...flags], { encoding: 'utf8', env: { ...process.env, ...env } });
  for (const [build, at] of [['installed', prefix], ['in-tree', join(tree, 'sdk')]]) {
    assert.equal(configure(build, `-DCMAKE_PREFIX_PATH=${at}`).status, 0);
    execFileSync('cmake', ['--build', join(folder.path, build)], { env: { ...process.env, ...env } });
    const file = join(folder.path, build, 'hello.so');
    const readelf = (flag) => execFileSync('readelf', ['-W', flag, file], { encoding: 'utf8' });
    const needed = [...readelf('-d').matchAll(/NEEDED.*\[(.*)\]/g)].map(([, name]) => name);
    assert.deepEqual(needed.filter((name) => !/^(libc\.so\.6|libm\.so\.6|ld-linux-x86-64\.so\.2)$/.test(name)), [], 'its C++ runtime is inside it');
    const symbols = readelf('--dyn-syms').split('\n').filter((line) => / (GLOBAL|WEAK|UNIQUE) /.test(line) && !/ UND /.test(line));
    assert.equal(symbols.length, 1, symbols.join('\n'));
    assert.match(symbols[0], /mimus_plugin_entry_v1$/);
    const said = await mimus(['plugin', 'inspect', file]);
    assert.match(said.out, /^id +org\.example\.other$/m);
  }
  const manifest = join(source, 'manifest.json');
  const text = readFileSync(manifest, 'utf8');
  for (const [broken, complaint] of [[text.replace('"id"', 'id'), /manifest\.json is no JSON object/], [text.replace('"abi"', '"api"'), /manifest\.json has no "abi"/]]) {
    writeFileSync(manifest, broken);
    const refused = configure('in-tree');
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr.replace(/\s+/g, ' '), complaint);
  }
});

test('what cannot be a project is refused, and nothing is written', async (t) => {
  const folder = scratch();
  t.after(() => folder.remove());
  mkdirSync(join(folder.path, 'taken'));
  for (const [flags, code, complaint] of [
    [['taken'], 1, /taken is there already/],
    [['Hello'], 2, /"Hello" is no name/],
    [['../hello'], 2, /is no name/],
    [['test'], 2, /"test" is no name .* test-plugin/],
    [['hello', '--id', 'hello'], 2, /--id: "hello" is no plugin id/],
    [['hello', '--id', 'mimus.hello'], 2, /the host's own/],
    [['hello', '--lang', 'go'], 2, /--lang: "go" is not c, cpp or rust/],
    [['hello', '--sdk', 'no'], 2, /--sdk: "no"/],
    [['hello', '--dir', 'no/such/place'], 1, /cannot make no\/such\/place/],
    [['hello', 'world'], 2, /mimus plugin new NAME/],
    [[], 2, /mimus plugin new NAME/],
  ]) {
    const refused = await mimus(['plugin', 'new', ...flags], { cwd: folder.path });
    assert.equal(refused.code, code, `${flags}: ${refused.err}`);
    assert.match(refused.err, complaint);
  }
  assert.deepEqual(readdirSync(folder.path), ['taken']);
});
