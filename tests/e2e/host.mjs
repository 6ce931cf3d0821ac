// A real host on a free port with a data directory of its own, for one story.
import { after } from 'node:test';
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';

export const binary = process.env.MIMUS_BINARY;
if (!binary) throw new Error('MIMUS_BINARY must name the mimus program');

/** An empty directory; remove() takes it away, also from under a host that was killed and is not quite gone. */
export function scratch() {
  const path = mkdtempSync(join(tmpdir(), 'mimus-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) };
}

/** What `look()` gives once it is truthy; asks again and again, for at most `timeout` ms. */
export async function eventually(look, what = 'what was waited for', timeout = 60_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} did not come in ${timeout} ms`);
    await new Promise((go) => setTimeout(go, 10));
  }
}

/**
 * A port that is free at the moment, for who must name one or come back to one. It is none of those that the
 * kernel gives away, so that no client of another story that runs beside gets it meanwhile.
 */
export async function freePort() {
  const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 55_000);
    if (port >= low && port <= high) continue;
    const server = createTcpServer();
    const taken = await new Promise((resolve) => {
      server.once('error', () => resolve(true));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
    });
    if (!taken) return port;
  }
}

/** Resolves with the first line that `stream` prints; rejects if it ends before. */
function firstLine(stream, child, errors) {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('error', reject);  // it was not started
    child.once('exit', (code, signal) => reject(new Error(`mimus ended with ${code ?? signal} before it was ready: ${errors()}`)));
  });
}

// A host that a failed test left would keep the story from ending. This runs before the story's
// own `after`, which may still be stopping hosts; the timer alone keeps nothing waiting.
const living = new Set();
after(() => { setTimeout(() => { for (const child of living) child.kill('SIGKILL'); }, 60_000).unref(); });

const childrenOf = (pid) => {
  try { return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean); } catch { return []; }
};

/** Whether nothing of a process runs any more: a slow disk may hold one of its threads after the first has ended. */
const isGone = (pid) => {
  try { return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) && readdirSync(`/proc/${pid}/task`).length < 2; } catch { return true; }
};

export class Host {
  /**
   * Starts a host and waits until it is ready. `data` keeps a directory over several
   * starts; without it the host has one of its own, removed by stop(). Requests meet each
   * other in flight only within a worker: stories about that ask for one. `under` is a command
   * that runs the program in its own place, like prlimit.
   */
  static async start({ args = [], env = {}, data, listen = '127.0.0.1:0', workers = 2, under = [] } = {}) {
    const host = new Host();
    host.own = data ? null : scratch();
    host.data = data ?? host.own.path;
    const [command, ...before] = [...under, binary];
    host.child = spawn(command, [...before, 'serve', '--listen', listen, '--data', host.data, '--workers', `${workers}`, ...args], {
      // An upstream of a story answers when its process gets round to it.
      env: { ...process.env, MIMUS_ADMIN_TOKEN: 'e2e-token', PROXY_DEFAULT_TIMEOUT: '30000',
        ...(process.env.MIMUS_SANITIZE ? { MIMUS_PLUGIN_HANG: '1m' } : {}), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    living.add(host.child);
    host.child.once('exit', () => living.delete(host.child));
    host.token = env.MIMUS_ADMIN_TOKEN ?? 'e2e-token';
    host.errors = '';
    host.child.stderr.on('data', (chunk) => (host.errors += chunk));
    host.exited = once(host.child, 'exit');
    host.exited.catch(() => {});
    try {
      host.readyLine = await firstLine(host.child.stdout, host.child, () => host.errors);
    } catch (error) {
      host.own?.remove();
      throw error;
    }
    host.url = /https?:\/\/[^ ,;]+/.exec(host.readyLine)?.[0];
    host.port = Number(new URL(host.url).port);
    return host;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop() {
    this.child.kill('SIGTERM');
    const [code, signal] = await this.exited;
    this.own?.remove();
    return code ?? signal;
  }

  /** SIGKILL to the parent, which takes the server with it. Resolves once both have let go of everything. */
  async kill() {
    const servers = childrenOf(this.child.pid);
    this.child.kill('SIGKILL');
    await this.exited;
    await eventually(() => servers.every(isGone), 'the end of the server');
  }

  /** One admin call; the body is an object or a string, the answer is parsed where it is JSON. */
  async admin(method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    return { status: answer.status, headers: answer.headers, text, json };
  }

  /** A definition made, or an error that shows the answer. */
  async create(path, body) {
    const made = await this.admin('POST', path, body);
    if (made.status !== 201) throw new Error(`POST ${path} was ${made.status}: ${made.text}`);
    return made.json;
  }

  /** An API with a slug, and its endpoints. Returns the API with `endpoints` by name. */
  async api(slug, endpoints = [], fields = {}) {
    const api = await this.create('/admin/api-definitions', { slug, name: slug, ...fields });
    api.endpointsByName = {};
    for (const endpoint of endpoints) {
      const made = await this.create(`/admin/api-definitions/${api.id}/endpoints`, endpoint);
      api.endpointsByName[made.name ?? made.path] = made;
    }
    return api;
  }

  mock(slug, path = '', options = {}) {
    return fetch(`${this.url}/mock/${slug}${path}`, { redirect: 'manual', ...options });
  }

  /** Calls `ask` and waits until the host has the heads of its `n` requests. Nobody else may ask meanwhile. */
  async inHand(ask, n = 1) {
    const requests = async () => Number(/^mimus_requests_total (\d+)$/m.exec((await this.admin('GET', '/metrics')).text)[1]);
    let before = await requests();
    ask();
    await eventually(async () => await requests() >= ++before + n, `${n} requests beside those that count them`);
  }

  /** Records, newest first; asks again where the journal's writer was late, which the answer tells. */
  async requests(query = '') {
    for (;;) {
      const answer = await this.admin('GET', `/admin/requests${query}`);
      if (answer.status !== 200) throw new Error(`GET /admin/requests was ${answer.status}: ${answer.text}`);
      if (!answer.json.stale) return answer.json.items;
    }
  }

  /** Raw bytes out, all bytes back until the peer closes or `until` is found in them. */
  async raw(bytes, { until, timeout = 60_000 } = {}) {
    const socket = connect(this.port, '127.0.0.1');
    let text = '';
    const done = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no end in ${timeout} ms; so far: ${text}`)), timeout);
      const finish = () => { clearTimeout(timer); resolve(text); };
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (until && (until instanceof RegExp ? until.test(text) : text.includes(until))) { socket.destroy(); finish(); }
      });
      socket.on('close', finish);
      socket.on('error', finish);
    });
    socket.write(bytes);
    return done;
  }
}

/** Runs curl, really. Returns { status, headers (lower case), body, seconds }. */
export function curl(...args) {
  return new Promise((resolve, reject) => {
    execFile('curl', ['-sS', '-i', '-w', '\n%{time_total}', ...args], { maxBuffer: 1 << 26, encoding: 'latin1' }, (error, out, err) => {
      if (error) return reject(new Error(`curl ${args.join(' ')}: ${err}`));
      const seconds = Number(out.slice(out.lastIndexOf('\n') + 1));
      let rest = out.slice(0, out.lastIndexOf('\n'));
      let head;
      do {
        const end = rest.indexOf('\r\n\r\n');
        head = rest.slice(0, end);
        rest = rest.slice(end + 4);
      } while (/^HTTP\/1\.1 1\d\d/.test(head));
      const [line, ...fields] = head.split('\r\n');
      const headers = {};
      for (const field of fields) {
        const colon = field.indexOf(':');
        const name = field.slice(0, colon).toLowerCase();
        headers[name] = name in headers ? `${headers[name]}, ${field.slice(colon + 1).trim()}` : field.slice(colon + 1).trim();
      }
      resolve({ status: Number(line.split(' ')[1]), headers, body: rest, seconds });
    });
  });
}

/** A real upstream on loopback. `answer(request, response, body)` answers; `seen` lists what came. */
export async function upstream(answer) {
  const seen = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ method: request.method, url: request.url, headers: request.headers, rawHeaders: request.rawHeaders, body });
      answer(request, response, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    server,
    stop: () => { server.closeAllConnections(); return new Promise((done) => server.close(done)); },
  };
}
