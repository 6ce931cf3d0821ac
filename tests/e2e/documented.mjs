// Commands in documents, and what the documents say that they show.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';

/** The ```sh blocks of a text as { commands, shown }: shown are the lines of the ```text block that follows. */
export function steps(text) {
  const found = [];
  for (const [, kind, block] of text.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)) {
    if (kind === 'sh') found.push({ commands: block, shown: [] });
    else found.at(-1).shown = block.split('\n').filter((line) => line !== '');
  }
  return found;
}

/** Runs commands in bash; resolves with what they printed on stdout, as latin1, and at the end why they failed. */
export function bash(commands, { cwd, env = {}, timeout = 600_000 } = {}) {
  return new Promise((resolve) => {
    execFile('bash', ['-c', commands], { cwd, timeout, encoding: 'latin1', env: { ...process.env, MIMUS_ADMIN_TOKEN: undefined, ...env } },
      (error, out, errors) => resolve(out + (error ? `\n${error}\n${errors}` : '')));
  });
}

/** The lines `shown` come in `output` in their order; "…" in them stands for anything. */
export function assertShown(output, shown, what) {
  let left = output.replaceAll('\r', '');
  for (const line of shown) {
    const text = Buffer.from(line, 'utf8').toString('latin1');
    const pattern = text.split(Buffer.from('…').toString('latin1')).map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
    const at = new RegExp(`^.*?${pattern}`, 'm').exec(left);
    assert.ok(at, `${what}: "${line}" does not come in:\n${output}`);
    left = left.slice(at.index + at[0].length);
  }
}
