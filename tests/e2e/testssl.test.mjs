// testssl.sh looks at the host's TLS: its protocols, ciphers and known vulnerabilities.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './host.mjs';
import { Authority, flagsOf, startSecure } from './secure.mjs';

/** Its findings about a host, as it writes them to its JSON file. */
function findings(host, authority, directory) {
  const file = join(directory, 'findings.json');
  const args = ['-p', '-s', '-f', '-U', '--add-ca', authority.file, '--ip', '127.0.0.1', '--nodns', 'none', '--openssl-timeout', '10',
    '--warnings', 'off', '--color', '0', '--jsonfile', file, `https://localhost:${host.port}`];
  return new Promise((resolve, reject) => {
    // Its exit code counts problems of many kinds; the findings say which.
    execFile('testssl', args, { maxBuffer: 1 << 24, timeout: 240_000 }, (error, out) => {
      if (error && typeof error.code !== 'number') return reject(error);
      try { resolve(JSON.parse(readFileSync(file, 'utf8'))); } catch { reject(new Error(`testssl wrote no findings: ${out}`)); }
    });
  });
}

test('testssl.sh finds nothing of grade MEDIUM or worse', async () => {
  const directory = scratch();
  const authority = new Authority(directory.path);
  const host = await startSecure({ args: flagsOf(authority.make('localhost', ['localhost', '127.0.0.1'], { rsa: true })) });
  try {
    const found = await findings(host, authority, directory.path);
    const by = Object.fromEntries(found.map((one) => [one.id, one]));
    // It looked at all three sections, and saw TLS.
    for (const id of ['TLS1', 'TLS1_1', 'TLS1_2', 'TLS1_3', 'cipherlist_STRONG', 'cipherlist_AVERAGE', 'PFS_ciphers', 'heartbleed', 'secure_client_renego', 'RC4']) {
      assert.ok(by[id], `no finding ${id} in ${JSON.stringify(found)}`);
    }
    assert.match(by.TLS1_3.finding, /^offered/);
    assert.match(by.TLS1_1.finding, /^not offered/);
    const bad = found.filter(({ id, severity }) => !['OK', 'INFO', 'LOW'].includes(severity) && id !== 'engine_problem');
    assert.deepEqual(bad, []);
  } finally {
    assert.equal(await host.stop(), 0);
    directory.remove();
  }
});
