// A healthy client beside abusers, on a thread of its own, so that the story's own work does not make it wait.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/**
 * Asks for `path` without pause, over a kept connection and a new one by turns (`fresh: false`:
 * never a new one). stop() ends it and gives { count, failures, worst, p99 }: the waits in ms.
 */
export class Healthy {
  static async start({ port }, path, { fresh = true } = {}) {
    const healthy = new Healthy();
    healthy.worker = new Worker(fileURLToPath(import.meta.url), { workerData: { healthy: true, port, path, fresh } });
    await once(healthy.worker, 'message');
    return healthy;
  }

  async stop() {
    const report = once(this.worker, 'message');
    this.worker.postMessage('stop');
    const [result] = await report;
    await this.worker.terminate();
    return result;
  }
}

/** One request; resolves with what was wrong, or undefined. */
function ask(agent) {
  const { port, path } = workerData;
  return new Promise((resolve) => {
    const one = request({ port, path, agent, host: '127.0.0.1' }, (answer) => {
      answer.on('end', () => resolve(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`));
      answer.on('error', (error) => resolve(error.message));
      answer.resume();
    });
    one.on('error', (error) => resolve(error.message));
    one.end();
  });
}

async function run() {
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const waits = [];
  const failures = [];
  let running = true;
  parentPort.on('message', () => { running = false; });
  await ask(kept);  // what is loaded and compiled once is not the server's doing
  parentPort.postMessage('started');
  for (let i = 0; running; ++i) {
    const since = performance.now();
    const wrong = await ask(workerData.fresh && i % 2 ? false : kept);
    waits.push(performance.now() - since);
    if (wrong && failures.length < 10) failures.push(`request ${i}: ${wrong}`);
    await new Promise((go) => { setTimeout(go, 2); });
  }
  kept.destroy();
  waits.sort((a, b) => a - b);
  parentPort.postMessage({ count: waits.length, failures, worst: waits.at(-1) ?? 0, p99: waits[Math.floor(waits.length * 0.99)] ?? 0 });
}

if (!isMainThread && workerData?.healthy) await run();
