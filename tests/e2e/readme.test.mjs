// The README's tour, run as it stands but for ports and paths; what it shows is what comes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, binary, freePort, scratch } from './host.mjs';
import { assertShown, bash, steps } from './documented.mjs';

const readme = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../README.md'), 'utf8');

const tour = steps(readme.slice(readme.indexOf('## A tour'), readme.indexOf('## Too many')));

test('the tour does what it says', async (t) => {
  const folder = scratch();
  const [start, ...rest] = tour;
  const config = /echo '(.*)' > mimus.json/.exec(start.commands)[1];
  const args = /\.\/dev run (.*)/.exec(start.commands)[1].split(' ');
  writeFileSync(join(folder.path, 'mimus.json'), config);
  args[args.indexOf('mimus.json')] = join(folder.path, 'mimus.json');
  const host = await Host.start({ args, data: join(folder.path, 'mimus-data'), env: { MIMUS_ADMIN_TOKEN: '' } });
  t.after(async () => { assert.equal(await host.stop(), 0); folder.remove(); });

  const upstream = await freePort(), secure = await freePort();
  // The hosts that it started are gone before their folder is; under a sanitizer what comes in time needs longer.
  const script = [...rest.map(({ commands }, i) => `echo; echo "@@@ ${i}"\n${commands}`), 'wait'].join('\n')
    .replaceAll('--max-time 3 ', `--max-time ${process.env.MIMUS_SANITIZE ? 10 : 3} `)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${host.port}`)
    .replaceAll('127.0.0.1:3001', `127.0.0.1:${upstream}`)
    .replaceAll('127.0.0.1:3443', `127.0.0.1:${secure}`)
    .replaceAll('build/bin/mimus', binary);
  const output = await bash(script, { cwd: folder.path });
  const countries = process.env.MIMUS_ROOT || existsSync(join(dirname(binary), '../share/mimus/country.mmdb'));
  assert.ok(countries, 'the country database is beside the program, or in it');
  const parts = output.split(/^@@@ \d+\n/m).slice(1);
  assert.equal(parts.length, rest.length, output);
  // How long something took is this machine's.
  rest.forEach(({ shown }, i) => assertShown(parts[i], shown.map((line) => line.replace(/^\d\.\d… s/, '… s')), `step ${i}`));
});
