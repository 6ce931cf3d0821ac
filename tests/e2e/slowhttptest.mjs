// Debian's slowhttptest against a host: slowloris, slow bodies, slow readers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What is slow, by the name that it goes by; `paths` are { plain, read, large } of the host. */
export const modes = {
  slowloris: (paths) => ['-H', '-i', '2', '-x', '24', '-u', paths.plain],
  'slow body': (paths) => ['-B', '-i', '2', '-s', '8192', '-x', '10', '-t', 'POST', '-u', paths.read],
  'slow read': (paths) => ['-X', '-w', '512', '-y', '1024', '-n', '2', '-z', '32', '-k', '3', '-u', paths.large],
};

/** The endpoints that the modes ask, for Host.api. */
export const endpoints = [
  { method: 'GET', path: '/plain', responses: [{ body: 'plain' }] },
  { method: 'POST', path: '/read', deduplication: true, responses: [{ body: 'read' }] },
  { method: 'GET', path: '/large', responses: [{ body: 'L'.repeat(1 << 20) }] },
];

/** `connections` clients of a mode for so many seconds, run by the command `under`; resolves with what the program printed, without colours. */
export async function slowhttptest(mode, base, { connections = 1000, seconds = 10, under = [] } = {}) {
  const paths = { plain: `${base}/plain`, read: `${base}/read`, large: `${base}/large` };
  const [command, ...before] = [...under, 'slowhttptest'];
  const child = spawn(command, [...before, '-c', `${connections}`, '-r', '500', '-l', `${seconds}`, '-p', '3', ...modes[mode](paths)]);
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  child.stderr.on('data', (chunk) => { text += chunk; });
  await once(child, 'close');
  return text.replace(/\u001b\[[\d;]*[A-Za-z]/g, '');
}
