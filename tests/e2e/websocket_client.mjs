// A WebSocket client on a raw socket that sends what it is told to, right or wrong, and judges what
// comes back as the Autobahn test suite's fuzzing client does.
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib';

const opcodes = { 1: 'text', 2: 'binary', 9: 'ping', 10: 'pong' };
const tail = Buffer.from([0, 0, 0xff, 0xff]);

/** A frame's bytes; a client's are masked. */
export function frameBytes(opcode, payload = Buffer.alloc(0), { fin = true, rsv = 0, announced = payload.length } = {}) {
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  if (announced < 126) head.push(0x80 | announced);
  else if (announced < 65536) head.push(0x80 | 126, announced >> 8, announced & 0xff);
  else head.push(0x80 | 127, 0, 0, 0, 0, announced >>> 24, (announced >> 16) & 0xff, (announced >> 8) & 0xff, announced & 0xff);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from(head), mask, masked(payload, mask)]);
}

function masked(payload, mask) {
  const out = Buffer.from(payload);
  for (let i = 0; i < out.length; ++i) out[i] ^= mask[i & 3];
  return out;
}

export const tick = () => new Promise((go) => setImmediate(go));
export const wait = (ms) => new Promise((go) => setTimeout(go, ms));

export class Client {
  /** Resolves once the handshake is done. `headers` are lines; over TLS where the authority `ca` is given. */
  static async open(port, path, headers = [], ca = undefined) {
    const client = new Client();
    client.socket = ca ? connectSecurely({ port, host: '127.0.0.1', ca }) : connect({ port, host: '127.0.0.1' });
    client.socket.setNoDelay(true);
    client.socket.on('error', () => {});
    client.ended = new Promise((go) => client.socket.once('close', go));
    client.ended.then(() => client.#wake());
    client.socket.on('data', (chunk) => client.#take(chunk));
    client.socket.write([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, 'Sec-WebSocket-Version: 13', ...headers, '', ''].join('\r\n'));
    await client.until(() => client.head !== undefined);
    if (!client.head?.startsWith('HTTP/1.1 101 ')) throw new Error(`no handshake: ${client.head}`);
    const answer = /^sec-websocket-extensions: *(.*)$/im.exec(client.head);
    client.extensions = answer ? answer[1].trim() : '';
    const bits = /server_max_window_bits=(\d+)/.exec(client.extensions);
    client.serverBits = bits ? Number(bits[1]) : 15;
    return client;
  }

  received = [];  ///< ['text', Buffer] and so on, in order.
  closedByMe = false;  ///< Our close frame was the first.
  remoteCode = undefined;  ///< Of the server's close frame; null if it had none.
  droppedByMe = false;
  broken = '';  ///< What the server did that no server may.
  frames = 0;
  compressedFrames = 0;
  onlyCount = false;

  #bytes = Buffer.alloc(0);
  #chunks = [];
  #size = 0;
  #needed = 1;
  #waiting = [];

  get open() { return !this.socket.destroyed && this.remoteCode === undefined; }

  /** Resolves when `look()` is true, or the connection has ended; whether it was true. */
  async until(look, timeout = 60_000) {
    const end = Date.now() + timeout;
    while (!look()) {
      if (this.socket.destroyed || Date.now() >= end) return look();
      await new Promise((go) => {
        const timer = setTimeout(go, end - Date.now());
        this.#waiting.push(() => { clearTimeout(timer); go(); });
      });
    }
    return true;
  }

  #wake() { for (const go of this.#waiting.splice(0)) go(); }

  #take(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks]);
    this.#chunks = [];
    if (this.head === undefined) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end >= 0) {
        this.head = this.#bytes.toString('latin1', 0, end);
        this.#bytes = this.#bytes.subarray(end + 4);
      }
    }
    while (this.head !== undefined && this.#frame());
    this.#size = this.#bytes.length;
    this.#wake();
  }

  /** Takes one frame off the front; false if it is not whole yet. */
  #frame() {
    const b = this.#bytes;
    this.#needed = 2;
    if (b.length < 2) return false;
    let size = b[1] & 0x7f, at = 2;
    if (size === 126) { at = 4; if (b.length < at) return false; size = b.readUInt16BE(2); }
    else if (size === 127) { at = 10; if (b.length < at) return false; size = Number(b.readBigUInt64BE(2)); }
    this.#needed = at + size;
    if (b.length < at + size) return false;
    const payload = b.subarray(at, at + size);
    this.#bytes = b.subarray(at + size);
    this.#needed = 2;
    this.#judge(b[0], (b[1] & 0x80) !== 0, payload);
    return true;
  }

  #judge(first, mask, payload) {
    const opcode = first & 0xf, rsv = (first >> 4) & 7;
    ++this.frames;
    if (mask) this.broken = 'a masked frame';
    if ((first & 0x80) === 0) this.broken = 'a fragment, which this server never sends';
    if (this.remoteCode !== undefined) this.broken = 'a frame after the close frame';
    if (rsv !== 0 && !(rsv === 4 && opcode <= 2 && this.extensions)) this.broken = `RSV ${rsv}`;
    if (opcode === 8) return this.#closing(payload);
    if (!opcodes[opcode]) this.broken = `opcode ${opcode}`;
    if (rsv === 4) {
      ++this.compressedFrames;
      payload = inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH, windowBits: this.serverBits });
    }
    this.received.push([opcodes[opcode], payload]);
  }

  #closing(payload) {
    if (payload.length === 1) this.broken = 'half a close code';
    this.remoteCode = payload.length < 2 ? null : payload.readUInt16BE(0);
    if (!this.closedByMe) this.socket.write(frameBytes(8, payload));
  }

  /** As many bytes at a time as `chop` says, or all. */
  async send(bytes, chop = 0) {
    if (chop === 0) {
      this.socket.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += chop) {
      if (!this.socket.write(bytes.subarray(at, at + chop)) || bytes.length / chop < 400) await tick();
    }
  }
  frame(opcode, payload = '', options = {}) {
    return this.send(frameBytes(opcode, Buffer.from(payload), options), options.chop ?? 0);
  }
  /** A close frame: raw payload, or a code. */
  close(code, reason = '') {
    this.closedByMe = this.remoteCode === undefined;
    const payload = code === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
    return this.frame(8, payload);
  }
  /** A message, compressed where that was agreed on, in fragments of so many bytes. */
  async message(binary, payload, fragment = 0) {
    let body = payload, rsv = 0;
    if (this.extensions) {
      body = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
      body = body.subarray(0, body.length - 4);
      rsv = 4;
    }
    const opcode = binary ? 2 : 1;
    if (fragment === 0) return this.send(frameBytes(opcode, body, { rsv }));
    const out = [];
    for (let at = 0; at === 0 || at < body.length; at += fragment) {
      const first = at === 0, fin = at + fragment >= body.length;
      out.push(frameBytes(first ? opcode : 0, body.subarray(at, at + fragment), { fin, rsv: first ? rsv : 0 }));
    }
    await this.send(Buffer.concat(out));
  }
  drop() {
    this.droppedByMe = true;
    this.socket.destroy();
  }
}

const same = (got, wanted) =>
  got.length === wanted.length && got.every(([kind, payload], i) => kind === wanted[i][0] && payload.equals(Buffer.from(wanted[i][1])));

/**
 * What Autobahn calls the case's behavior, or its behavior at the close if that is worse.
 * `expected`: by verdict, what must have been received. `close`: who ends it first, with which
 * codes, and whether with both close frames.
 */
export function verdict(client, { expected, close }) {
  if (client.broken) return `FAILED: ${client.broken}`;
  const behavior = Object.keys(expected).find((one) => same(client.received, expected[one]));
  if (!behavior) {
    const got = client.received.map(([kind, payload]) => `${kind}:${payload.subarray(0, 40).toString('latin1')}(${payload.length})`);
    return `FAILED: got ${got.join(' ') || 'nothing'}`;
  }
  if (client.closedByMe !== close.byMe) return 'FAILED: ended by the wrong side';
  if (close.clean && client.remoteCode === undefined) return 'UNCLEAN';
  if (client.remoteCode != null && !close.codes.includes(client.remoteCode)) return `WRONG CODE: ${client.remoteCode}`;
  if (client.droppedByMe) return 'FAILED BY CLIENT: the server left the TCP connection open';
  return behavior;
}
