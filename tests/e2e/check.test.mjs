// `mimus plugin check`: its three formats, its exit codes, and what it says of a plugin that crashes.
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, scratch } from './host.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const files = scratch();
after(() => files.remove());

/** Compiles a plugin as its author would. */
function compile(source, name, ...flags) {
  const file = join(files.path, name);
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-shared', '-fvisibility=hidden', `-I${join(here, '../../sdk/include')}`,
    join(here, 'plugins', source), '-o', file, ...flags]);
  return file;
}
const one = compile('misuse.c', 'good.so');

function check(...args) {
  const { status, stdout, stderr } = spawnSync(binary, ['plugin', 'check', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('a report for people names the plugin and each check', () => {
  const { status, stdout } = check(one, '--only', 'manifest', '--only', 'table');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^com\.example\.misuse 1\.2\.3\n/);
  assert.match(stdout, /\n  ok    table +its table agrees with its manifest and this host\n/);
  assert.match(stdout, /\n2 checks, 0 errors, 0 warnings, [\d.]+ s, seed 1\n$/);
});

test('the JSON says the same', () => {
  const { status, stdout } = check(one, '--format', 'json', '--only', 'table', '--seed', '18446744073709551615');
  assert.equal(status, 0, stdout);
  const report = JSON.parse(stdout);
  assert.equal(report.passed, true);
  assert.equal(report.errors, 0);
  assert.deepEqual(report.checks.map(({ name, passed, remarks }) => ({ name, passed, remarks })), [{ name: 'table', passed: true, remarks: [] }]);
});

test('the JUnit report is XML with a case for each check', () => {
  const { stdout } = check(one, '--format', 'junit', '--only', 'manifest', '--only', 'signature');
  assert.match(stdout, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites tests="2" failures="0" errors="0" time="[\d.]+">/);
  const open = [];
  for (const [, close, name, empty] of stdout.replace(/^<\?.*\n/, '').matchAll(/<(\/?)([a-z-]+)(?:"[^"<]*"|[^"<>])*?(\/?)>/g)) {
    if (close) assert.equal(open.pop(), name);
    else if (!empty) open.push(name);
  }
  assert.deepEqual(open, []);
  assert.equal([...stdout.matchAll(/<testcase /g)].length, 2);
});

test('a file that is no plugin fails, check by check, and none of them ends the others', () => {
  const file = join(files.path, 'text.so');
  writeFileSync(file, 'no ELF <at> "all" \u001b[31m\n');
  const { status, stdout } = check(file, '--format', 'json');
  assert.equal(status, 1);
  const report = JSON.parse(stdout);
  assert.equal(report.id, '');
  assert.ok(report.checks.length >= 25);
  for (const { name, passed } of report.checks) assert.equal(passed, ['signature', 'tls'].includes(name), name);
});

test('a plugin of a third party that crashes is told with its hook, and how to mend the rest', () => {
  const file = compile('crash_check.c', 'crash.so');
  const { status, stdout } = check(file);
  assert.equal(status, 1);
  assert.match(stdout, /FAIL  requests .*\n +error: crashed with SIGSEGV in on_request/);
  assert.match(stdout, /ok    life/);
  assert.equal(check(file, '--only', 'life').status, 0);
});

test('a good plugin passes, and strict fails on warnings alone', () => {
  const { status, stdout } = check(one, '--level', 'strict');
  assert.equal(status, 0, stdout);
  const stays = compile('misuse.c', 'stays.so', '-Wl,-z,nodelete');
  const [basic, strict] = ['basic', 'strict'].map((level) => check(stays, '--only', 'elf', '--level', level));
  assert.match(basic.stdout, /warn  elf[^]*-z nodelete/);
  assert.equal(basic.status, 0);
  assert.equal(strict.status, 1);
});

for (const [what, args, said] of [
  ['no file', [], /write mimus plugin check FILE\.so/],
  ['a file that is not there', ['/nonexistent/x.so'], /there is no file \/nonexistent\/x\.so/],
  ['an unknown format', [one, '--format', 'yaml'], /--format must be text, json or junit/],
  ['an unknown level', [one, '--level', 'mild'], /--level must be basic or strict/],
  ['a seed that is no number', [one, '--seed', '1x'], /--seed must be a whole number/],
  ['a configuration that is no object', [one, '--config', '[]'], /--config must be a JSON object/],
  ['an unknown check', [one, '--only', 'colour'], /there is no check called colour; there are elf, /],
]) {
  test(`${what} is a fault of usage`, () => {
    const { status, stderr } = check(...args);
    assert.equal(status, 2);
    assert.match(stderr, said);
  });
}

test('the verbs of the children are of no use to people', () => {
  assert.equal(spawnSync(binary, ['plugin', 'probe', one]).status, 2);
  assert.equal(spawnSync(binary, ['plugin', 'run-check', 'life', one, '1']).status, 2);
});
