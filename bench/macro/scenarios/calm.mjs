// What a healthy client waits for while others are slow on purpose: a program of its own.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bar, unjudged } from '../report.mjs';

export const about = 'the wait of a healthy client under slowhttptest';

const program = fileURLToPath(new URL('../calm.mjs', import.meta.url));
const name = 'healthy client under slowhttptest: longest wait';

/** The program's last figure in ms is the longest wait. */
export async function run() {
  if (!existsSync(program)) return unjudged(name, '<= 100 ms', 'not available');
  const out = execFileSync('node', [program], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
  console.log(`\n${out.trimEnd()}`);
  bar(name, Number([...out.matchAll(/([\d.]+) ms/g)].at(-1)[1]), 100, { unit: ' ms', digits: 1 });
}
