// The healthy client of calm.mjs, on its own thread, so that the story's own work does not make it wait.
import { request, Agent } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const kept = new Agent({ keepAlive: true, maxSockets: 1 });
const waits = [];
const failures = [];
let running = true;
parentPort.on('message', () => { running = false; });

/** One request; resolves with what was wrong, or undefined. */
function ask(agent) {
  return new Promise((resolve) => {
    const { port, path } = workerData;
    const one = request({ port, path, agent, host: '127.0.0.1' }, (answer) => {
      answer.on('end', () => resolve(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`));
      answer.on('error', (error) => resolve(error.message));
      answer.resume();
    });
    one.on('error', (error) => resolve(error.message));
    one.end();
  });
}

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
parentPort.postMessage({ count: waits.length, failures, worst: waits.at(-1), p99: waits[Math.floor(waits.length * 0.99)] });
