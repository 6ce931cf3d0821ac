// Servers of WebSockets, and many clients of one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { firstAnswer } from './answer.mjs';
import { startMimus } from './mimus.mjs';
import { family, freePort, launch, loadCore, stop } from './processes.mjs';

const path = '/ws/bench';

/** A server from `peers/`: the npm package of that name; `cores` as for launch. */
export const startPeer = (name, cores) => started(name, 'node', (port) => [fileURLToPath(new URL(`peers/${name}.mjs`, import.meta.url)), port, path], cores);

/** What broadcasts with nothing but send(), on two threads. */
export const startSendLoop = (cores) => started('send() alone', `${process.env.MIMUS_BENCH_BUILD}/bin/send_loop`, (port) => [port, '2'], cores);

async function started(name, program, args, cores) {
  const port = await freePort();
  const child = launch(program, args(String(port)), { cores });
  child.stdout.resume();
  const server = { name, port, origin: `http://127.0.0.1:${port}`, child, stop: () => stop(child), broadcast: '/broadcast' };
  await firstAnswer(server, '/', child);
  server.pids = family(child.pid);
  return server;
}

/** A host with one endpoint, which has these events; `settings` as for startMimus. */
export async function startChannels(scratch, events, settings = {}) {
  const server = await startMimus(scratch, { ...settings, channels: [{ path, events }] });
  const first = async (where) => {
    const answer = await fetch(`${server.origin}/admin/${where}`, { headers: { Authorization: 'Bearer bench' } });
    return (await answer.json()).items[0];
  };
  const api = await first('api-definitions');
  const endpoint = await first(`api-definitions/${api.id}/websocket-endpoints`);
  server.broadcast = `/admin/websocket-endpoints/${endpoint.id}/broadcast`;
  return server;
}

/** Many WebSockets to one server, all in one process on the load core. */
export class Clients {
  /** Resolves when all are open and quiet. `namespace`: they are Socket.IO clients. */
  static async open(server, count, { namespace = false } = {}) {
    const out = new Clients(server, count, namespace);
    await out.#answer();
    return out;
  }

  /** {messages, seconds}: each keeps `flight` messages under way. */
  echo = (seconds, flight, text) => this.#run(`echo ${seconds} ${flight} ${text}`);
  /** {first, seconds}: from a broadcast's request until one, and all, have its message. */
  broadcast = (name, payload) => this.#run(`post ${this.server.port} ${this.server.broadcast} ${JSON.stringify({ name, payload })}`);
  /** {messages, seconds} */
  count = (seconds) => this.#run(`count ${seconds}`);

  async close() {
    this.#child.stdin.end();
    await this.#ended;
  }

  #child;
  #lines;
  #ended;

  constructor(server, count, namespace) {
    this.server = server;
    const target = namespace ? '/socket.io/?EIO=4&transport=websocket' : path;
    this.#child = spawn('taskset', ['-c', loadCore, `${process.env.MIMUS_BENCH_BUILD}/bin/channels_load`, String(server.port), target, String(count),
      ...(namespace ? [path] : [])], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.pid = this.#child.pid;
  }

  #run(command) {
    this.#child.stdin.write(`${command}\n`);
    return this.#answer();
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the clients of ${this.server.name} ended`);
    return JSON.parse(value);
  }
}
