// The README's tour, run as it stands but for ports and paths; what it shows is what comes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, binary, scratch } from './host.mjs';

const readme = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../README.md'), 'utf8');

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The tour's commands, each with the lines that the README shows after it. */
function steps() {
  const tour = readme.slice(readme.indexOf('## A tour'), readme.indexOf('## How it is built'));
  const found = [];
  for (const [, kind, text] of tour.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)) {
    if (kind === 'sh') found.push({ commands: text, shown: [] });
    else found.at(-1).shown = text.split('\n').filter((line) => line !== '');
  }
  return found;
}

test('the tour does what it says', async (t) => {
  const folder = scratch();
  const [start, ...rest] = steps();
  const config = /echo '(.*)' > mimus.json/.exec(start.commands)[1];
  const args = /\.\/dev run (.*)/.exec(start.commands)[1].split(' ');
  writeFileSync(join(folder.path, 'mimus.json'), config);
  args[args.indexOf('mimus.json')] = join(folder.path, 'mimus.json');
  const host = await Host.start({ args, data: join(folder.path, 'mimus-data'), env: { MIMUS_ADMIN_TOKEN: '' } });
  t.after(async () => { assert.equal(await host.stop(), 0); folder.remove(); });

  const upstream = await freePort(), secure = await freePort();
  const script = rest.map(({ commands }, i) => `echo; echo "@@@ ${i}"\n${commands}`).join('\n')
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${host.port}`)
    .replaceAll('127.0.0.1:3001', `127.0.0.1:${upstream}`)
    .replaceAll('127.0.0.1:3443', `127.0.0.1:${secure}`)
    .replaceAll('build/bin/mimus', binary);
  const output = await new Promise((resolve) => {
    execFile('bash', ['-c', script], { cwd: folder.path, timeout: 60_000, encoding: 'latin1', env: { ...process.env, MIMUS_ADMIN_TOKEN: undefined } },
      (error, out, errors) => resolve(out + (error ? `\n${error}\n${errors}` : '')));
  });
  const countries = process.env.MIMUS_ROOT || existsSync(join(dirname(binary), '../share/mimus/country.mmdb'));
  assert.ok(countries, 'the country database is beside the program, or in it');
  const parts = output.split(/^@@@ \d+\n/m).slice(1);
  assert.equal(parts.length, rest.length, output);
  rest.forEach(({ shown }, i) => {
    let left = parts[i].replaceAll('\r', '');
    for (const line of shown) {
      const text = Buffer.from(line, 'utf8').toString('latin1');
      const pattern = text.split(Buffer.from('…').toString('latin1')).map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
      const at = new RegExp(`^.*?${pattern}`, 'm').exec(left);
      assert.ok(at, `step ${i}: "${line}" does not come in:\n${parts[i]}`);
      left = left.slice(at.index + at[0].length);
    }
  });
});
