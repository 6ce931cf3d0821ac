// The SDK's tutorial, run as it stands but for ports and patience; what it shows is what comes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, freePort, scratch } from './host.mjs';
import { assertShown, bash, steps } from './documented.mjs';

const tutorial = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../sdk/docs/tutorial.md'), 'utf8');

test('the tutorial does what it says', async (t) => {
  const folder = scratch();
  t.after(() => folder.remove());
  const address = `127.0.0.1:${await freePort()}`, service = `127.0.0.1:${await freePort()}`;
  const launcher = spawnSync('ccache', ['--version']).status === 0 ? 'ccache' : '';
  const taught = steps(tutorial);
  const script = [`trap 'kill $(jobs -p) 2> kill.log; wait' EXIT`, ...taught.map(({ commands }, i) => `echo; echo "@@@ ${i}"\n${commands}`)].join('\n')
    .replaceAll('127.0.0.1:3000', address)
    .replaceAll('127.0.0.1:3001', service)
    .replaceAll('.timeout_ms = 1000', '.timeout_ms = 30000')
    .replaceAll('hold(2000)', 'hold(60000)');
  const output = await bash(script, {
    cwd: folder.path, timeout: 600_000,
    env: {
      PATH: `${dirname(binary)}:${process.env.PATH}`, MIMUS_LISTEN: address, CMAKE_CXX_COMPILER_LAUNCHER: launcher, CMAKE_C_COMPILER_LAUNCHER: launcher,
      CCACHE_BASEDIR: folder.path, CCACHE_NOHASHDIR: '1', CMAKE_BUILD_PARALLEL_LEVEL: '2',
    },
  });
  const parts = output.split(/^@@@ \d+\n/m).slice(1);
  assert.equal(parts.length, taught.length, output);
  taught.forEach(({ shown }, i) => assertShown(parts[i], shown, `step ${i}`));
});
