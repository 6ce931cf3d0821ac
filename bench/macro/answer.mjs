// One request over a connection of its own, and what came back, down to the close.
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const text = (path, headers = {}, method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n` +
  Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('') + '\r\n';

export const connect = (server, then) => (server.tls
  ? connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, then)
  : connectPlain(server.port, '127.0.0.1', then));

/** Where the answer at the start of `bytes` ends, or undefined while it is not complete. */
export function endOfAnswer(bytes) {
  const head = bytes.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, head))?.[1] ?? 0);
  return bytes.length >= head + 4 + length ? head + 4 + length : undefined;
}

function parse(bytes, closed) {
  const [line, ...fields] = bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n')).split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]));
  return { status: Number(line.split(' ')[1]), headers, body: bytes.subarray(bytes.indexOf('\r\n\r\n') + 4).toString(), closed };
}

/** The answer {status, headers, body, closed}; with `toClose`, once the server has closed. Rejects if it closes before. */
export function answer(server, path, headers = {}, { toClose = false } = {}) {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const socket = connect(server, () => socket.write(text(path, headers)));
    socket.setTimeout(5000, () => socket.destroy(new Error(`${server.name}: no ${toClose ? 'close' : 'answer'} for ${path} within 5 s`)));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (toClose || endOfAnswer(bytes) === undefined) return;
      socket.destroy();
      resolve(parse(bytes, false));
    });
    socket.on('end', () => (endOfAnswer(bytes) === undefined
      ? reject(new Error(`${server.name}: closed before an answer to ${path}`))
      : resolve(parse(bytes, true))));
  });
}

/** Asks until there is an answer: the server has just been started. */
export async function firstAnswer(server, path, child) {
  let ended = false;
  child.ended.then(() => { ended = true; });
  for (;;) {
    try {
      return await answer(server, path);
    } catch (error) {
      if (ended) throw new Error(`${server.name} ended before it answered`);
      if (error.code !== 'ECONNREFUSED' && error.code !== 'ECONNRESET') throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** The answer, if it is what `want` says; an error that shows it otherwise: a wrong answer is not to count as a fast one. */
export async function expect(server, { headers, path }, want) {
  const got = await answer(server, path, headers, { toClose: want.closed === true });
  const wrong = (what, is) => { throw new Error(`${server.name}: ${path} has ${what} ${JSON.stringify(is)} where ${JSON.stringify(want)} was expected`); };
  if (got.status !== want.status) wrong('status', got.status);
  if (want.body !== undefined && got.body !== want.body) wrong('body', got.body.slice(0, 200));
  if (want.closed !== undefined && got.closed !== want.closed) wrong('closed', got.closed);
  for (const [name, value] of Object.entries(want.headers ?? {})) {
    if (value === true ? got.headers[name] === undefined : got.headers[name] !== value) wrong(name, got.headers[name]);
  }
  return got;
}
