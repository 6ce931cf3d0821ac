// What an idle host, an idle connection and a stored endpoint take of memory.
import { connect, endOfAnswer, text } from '../answer.mjs';
import { endpoints, has, manyEndpoints, startMimus } from '../mimus.mjs';
import { memoryKiB } from '../processes.mjs';
import { bar, table, unjudged } from '../report.mjs';
import { certificate } from '../tls.mjs';

export const about = 'PSS when idle, of an idle connection (plain, TLS), of 100,000 endpoints';

const connections = 10_000;
const atOnce = 100;
const own = 'Pss_Anon';  // shares of files' pages change with what else runs

const settled = () => new Promise((resolve) => setTimeout(resolve, 1000));

async function memory(server, kind) {
  await settled();
  return memoryKiB(server.pids, kind);
}

/** A connection over which one request was answered, left open. */
function served(server) {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const socket = connect(server, () => socket.write(text(`${server.base}/users/1`, { 'X-Forwarded-For': '8.8.8.8' })));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${server.name} closed an idle connection`)));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (endOfAnswer(bytes) !== undefined) resolve(socket);
    });
  });
}

async function open(server, count) {
  const sockets = [];
  while (sockets.length < count) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(atOnce, count - sockets.length) }, () => served(server))));
  }
  return sockets;
}

/** KiB of the server for each of many idle connections. */
async function perConnection(bench, tls) {
  const server = await startMimus(bench.scratch, { definitions: endpoints(10), tls, config: { keepAliveMs: 600_000 } });
  for (const socket of await open(server, atOnce)) socket.destroy();  // what is made once
  const before = await memory(server, own);
  const sockets = await open(server, connections);
  const after = await memory(server, own);
  for (const socket of sockets) socket.destroy();
  await server.stop();
  return (after - before) / connections;
}

export async function run(bench) {
  const idle = await startMimus(bench.scratch, { workers: 2 });
  const empty = await memory(idle, 'Pss') / 1024;
  await idle.stop();

  const loading = await startMimus(bench.scratch, { definitions: endpoints(100_000), workers: 2 });
  const loaded = await memory(loading, 'Pss') / 1024;
  await loading.stop();
  const stored = await startMimus(bench.scratch, { data: await manyEndpoints(bench), workers: 2 });
  const restarted = await memory(stored, 'Pss') / 1024;
  await stored.stop();

  const plain = await perConnection(bench);
  const secured = has('--tls-cert') ? await perConnection(bench, certificate(bench.scratch)) : undefined;
  table('Memory, PSS of supervisor and server, two workers', ['', ''], [
    ['idle', `${empty.toFixed(1)} MiB`], ['100,000 endpoints, just loaded', `${loaded.toFixed(1)} MiB`], ['100,000 endpoints, restarted', `${restarted.toFixed(1)} MiB`],
    [`idle connection, of ${connections}`, `${plain.toFixed(2)} KiB`], ['idle TLS connection', secured === undefined ? '-' : `${secured.toFixed(2)} KiB`]]);
  bar('idle memory', empty, 25, { unit: ' MiB', digits: 1 });
  bar('100,000 endpoints, just loaded: memory', loaded, 150, { unit: ' MiB', digits: 1 });
  bar('100,000 endpoints, restarted: memory', restarted, 150, { unit: ' MiB', digits: 1 });
  bar('idle connection: memory', plain, 2, { unit: ' KiB', digits: 2 });
  if (secured === undefined) unjudged('idle TLS connection: memory', '<= 18 KiB', 'not available');
  else bar('idle TLS connection: memory', secured, 18, { unit: ' KiB', digits: 2 });
}
