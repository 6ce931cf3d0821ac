// The cases of the Autobahn test suite's fuzzing client, families 1 to 7 (the framing), 9 and 10
// (large messages), under its numbers. Where it waits a second to see whether the server goes on,
// these wait less; where it gives up after one, they wait longer, for slow machines.
import { frameBytes, tick, wait } from './websocket_client.mjs';
import { utf8Sequences } from './utf8_sequences.mjs';

const text = 1, binary = 2, ping = 9, pong = 10;
const hello = 'Hello, world!';
export const whole = { byMe: true, codes: [1000], clean: true };

/** The server answers with `received`; then we close. */
const answered = (id, run, received) => ({ id, run, expected: { OK: received }, close: whole });
/** The server fails the connection with `code`, having answered `received` before. */
const failed = (id, run, { code = 1002, received = [], nonStrict } = {}) => ({
  id, run, expected: { OK: received, ...(nonStrict ? { 'NON-STRICT': nonStrict } : {}) }, close: { byMe: false, codes: [code], clean: false } });
/** We have closed in `run`, as we should or not. */
const closed = (id, run, { codes = [1000], clean = true, received = [], informational = false } = {}) => ({
  id, run, informational, closes: true, expected: { OK: received }, close: { byMe: true, codes, clean } });

/** Frames in one piece, one by one ('frames'), or byte by byte ('bytes'). */
const sends = (frames, how = 'once') => async (client) => {
  const bytes = frames.map(([opcode, payload, options]) => frameBytes(opcode, Buffer.from(payload ?? ''), options));
  if (how === 'once') return client.send(Buffer.concat(bytes));
  for (const one of bytes) {
    await client.send(one, how === 'bytes' ? 1 : 0);
    await tick();
  }
};
const numbered = (family, list) => list.map((make, i) => make(`${family}.${i + 1}`));
const more = { fin: false };

const family1 = [[text, 'text', '*'], [binary, 'binary', '\xfe']].flatMap(([opcode, kind, fill], k) =>
  [0, 125, 126, 127, 128, 65535, 65536, 65536].map((size, i) => {
    const payload = Buffer.alloc(size, fill, 'latin1');
    return answered(`1.${k + 1}.${i + 1}`, (c) => c.frame(opcode, payload, { chop: i === 7 ? 997 : 0 }), [[kind, payload]]);
  }));

const odd = Buffer.from('00fffefdfcfb00ff', 'hex'), fe125 = Buffer.alloc(125, 0xfe);
const ten = [...Array(10).keys()].map((i) => `payload-${i}`);
const family2 = numbered('2', [
  (id) => answered(id, sends([[ping]]), [['pong', '']]),
  (id) => answered(id, sends([[ping, hello]]), [['pong', hello]]),
  (id) => answered(id, sends([[ping, odd]]), [['pong', odd]]),
  (id) => answered(id, sends([[ping, fe125]]), [['pong', fe125]]),
  (id) => failed(id, sends([[ping, Buffer.alloc(126, 0xfe)]])),
  (id) => answered(id, sends([[ping, fe125]], 'bytes'), [['pong', fe125]]),
  (id) => answered(id, sends([[pong]]), []),
  (id) => answered(id, sends([[pong, 'unsolicited']]), []),
  (id) => answered(id, sends([[pong, 'unsolicited'], [ping, 'ping']]), [['pong', 'ping']]),
  (id) => answered(id, sends(ten.map((one) => [ping, one])), ten.map((one) => ['pong', one])),
  (id) => answered(id, sends(ten.map((one) => [ping, one]), 'bytes'), ten.map((one) => ['pong', one])),
]);

const good = [['text', hello]];
const family3 = numbered('3', [
  (id) => failed(id, sends([[text, hello, { rsv: 1 }]])),
  (id) => failed(id, sends([[text, hello], [text, hello, { rsv: 2 }], [ping]]), { received: good, nonStrict: [] }),
  (id) => failed(id, sends([[text, hello], [text, hello, { rsv: 3 }], [ping]], 'frames'), { received: good, nonStrict: [] }),
  (id) => failed(id, sends([[text, hello], [text, hello, { rsv: 4 }], [ping]], 'bytes'), { received: good, nonStrict: [] }),
  (id) => failed(id, sends([[binary, odd, { rsv: 5 }]])),
  (id) => failed(id, sends([[ping, hello, { rsv: 6 }]])),
  (id) => failed(id, sends([[8, '', { rsv: 7 }]])),
]);

const family4 = [[1, 3], [2, 11]].flatMap(([group, first]) => numbered(`4.${group}`, [
  (id) => failed(id, sends([[first]])),
  (id) => failed(id, sends([[first + 1, 'reserved opcode payload']])),
  (id) => failed(id, sends([[text, hello], [first + 2], [ping]]), { received: good, nonStrict: [] }),
  (id) => failed(id, sends([[text, hello], [first + 3, hello], [ping]]), { received: good, nonStrict: [] }),
  (id) => failed(id, sends([[text, hello], [first + 4, hello], [ping]], 'bytes'), { received: good, nonStrict: [] }),
]));

const hows = ['once', 'frames', 'bytes'];
const two = [[text, 'fragment1', more], [0, 'fragment2']];
const joined = [['text', 'fragment1fragment2']];
const between = [[text, 'fragment1', more], [ping, 'ping payload'], [0, 'fragment2']];
const five = [1, 2, 3, 4, 5].map((i) => [i === 1 ? text : 0, `fragment${i}`, { fin: i === 5 }]);
const pings = ['pongme 1!', 'pongme 2!'];
const five_answered = [['pong', pings[0]], ['pong', pings[1]], ['text', five.map(([, one]) => one).join('')]];
const paused = (how) => async (client) => {
  await sends([five[0], five[1], [ping, pings[0]]], how)(client);
  await client.until(() => client.received.length === 1);
  await sends([five[2], five[3], [ping, pings[1]], five[4]], how)(client);
};
const family5 = numbered('5', [
  (id) => failed(id, sends([[ping, 'fragment1', more], [0, 'fragment2']])),
  (id) => failed(id, sends([[pong, 'fragment1', more], [0, 'fragment2']])),
  ...hows.map((how) => (id) => answered(id, sends(two, how), joined)),
  ...hows.map((how) => (id) => answered(id, sends(between, how), [['pong', 'ping payload'], ...joined])),
  ...hows.map((how) => (id) => failed(id, sends([[0, 'non-continuation payload'], [text, hello]], how))),
  ...hows.map((how) => (id) => failed(id, sends([[0, 'non-continuation payload', more], [text, hello]], how))),
  (id) => failed(id, sends([...two, [0, 'fragment3', more], [text, 'fragment4']]), { received: joined, nonStrict: [] }),
  (id) => failed(id, sends([[0, 'fragment1', more], ...two, [0, 'fragment1', more], ...two])),
  (id) => failed(id, sends([[0, 'fragment1'], ...two, [0, 'fragment1'], ...two])),
  (id) => failed(id, sends([[text, 'fragment1', more], [text, 'fragment2']])),
  (id) => answered(id, paused('once'), five_answered),
  (id) => answered(id, paused('frames'), five_answered),
]);

const latin = 'Hello-µ@ßöäüàá-UTF-8!!', kosme = Buffer.from('cebae1bdb9cf83cebcceb5', 'hex');
const invalid = Buffer.concat([kosme, Buffer.from('eda080', 'hex'), Buffer.from('edited')]);
const singly = (payload) => sends([...payload].map((byte, i) => [i === 0 ? text : 0, [byte], { fin: i === payload.length - 1 }]));
/**
 * Three parts of a text, of which the second makes it invalid: the server must not wait for the
 * third. As frames, or as pieces of one.
 */
const staged = (parts, as) => async (client) => {
  const mask_and_all = frameBytes(text, Buffer.concat(parts));
  const header = mask_and_all.length - parts.reduce((sum, one) => sum + one.length, 0);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (as === 'frames') await client.frame(i === 0 ? text : 0, part, { fin: i === 2 });
    else await client.send(mask_and_all.subarray(i === 0 ? 0 : header + at, header + at + part.length));
    at += part.length;
    if (i === 0) await wait(100);
    if (i === 0 && client.open) client.received.push(['timeout', Buffer.from('A')]);
    if (i === 1) await client.until(() => !client.open, 10_000);
    if (i === 1 && client.open) client.received.push(['timeout', Buffer.from('B')]);
    if (!client.open) return;
  }
};
const beyond = [kosme, Buffer.from('f4908080', 'hex'), Buffer.from('edited')];
const exactly = [Buffer.concat([kosme, Buffer.from('f4', 'hex')]), Buffer.from('90', 'hex'), Buffer.concat([Buffer.from('8080', 'hex'), Buffer.from('edited')])];
const early = { code: 1007, received: [['timeout', 'A']], nonStrict: [['timeout', 'A'], ['timeout', 'B']] };
const family6 = [
  answered('6.1.1', sends([[text]]), [['text', '']]),
  answered('6.1.2', sends([[text, '', more], [0, '', more], [0]]), [['text', '']]),
  answered('6.1.3', sends([[text, '', more], [0, 'middle frame payload', more], [0]]), [['text', 'middle frame payload']]),
  answered('6.2.1', sends([[text, latin]]), [['text', latin]]),
  answered('6.2.2', sends([[text, 'Hello-µ@ßöä', more], [0, 'üàá-UTF-8!!']]), [['text', latin]]),
  answered('6.2.3', singly(Buffer.from(latin)), [['text', latin]]),
  answered('6.2.4', singly(kosme), [['text', kosme]]),
  failed('6.3.1', sends([[text, invalid]]), { code: 1007 }),
  failed('6.3.2', singly(invalid), { code: 1007 }),
  failed('6.4.1', staged(beyond, 'frames'), early),
  failed('6.4.2', staged(exactly, 'frames'), early),
  failed('6.4.3', staged(beyond, 'pieces'), early),
  failed('6.4.4', staged(exactly, 'pieces'), early),
  ...utf8Sequences().flatMap((group, i) => group.map(({ bytes, valid }, j) => {
    const id = `6.${i + 5}.${j + 1}`;
    return valid ? answered(id, sends([[text, bytes]]), [['text', bytes]]) : failed(id, sends([[text, bytes]]), { code: 1007 });
  })),
];

const closes = (code, reason) => (client) => client.close(code, reason);
const closes_then = (before, after) => async (client) => {
  for (const [opcode, payload, options] of before) await client.frame(opcode, payload, options);
  await client.close(1000);
  for (const [opcode, payload, options] of after) await client.frame(opcode, payload, options);
};
const large = Buffer.alloc(256 << 10, 'BAsd7&jh23');
const protocol_error = { codes: [1002], clean: false };
const family7 = [
  closed('7.1.1', closes_then([[text, hello]], []), { received: good }),
  closed('7.1.2', closes_then([], [[8]])),
  closed('7.1.3', closes_then([], [[ping]])),
  closed('7.1.4', closes_then([], [[text, hello]])),
  closed('7.1.5', closes_then([[text, 'fragment1', more]], [[0, 'fragment2']])),
  closed('7.1.6', closes_then([[text, large], [text, hello]], [[ping]]), { received: [['text', large], ...good], informational: true }),
  closed('7.3.1', closes()),
  closed('7.3.2', (client) => { client.closedByMe = true; return client.frame(8, 'a'); }, protocol_error),
  closed('7.3.3', closes(1000)),
  closed('7.3.4', closes(1000, hello)),
  closed('7.3.5', closes(1000, '*'.repeat(123))),
  closed('7.3.6', closes(1000, '*'.repeat(124)), protocol_error),
  closed('7.5.1', closes(1000, invalid), { codes: [1002, 1007], clean: false }),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code, i) => closed(`7.7.${i + 1}`, closes(code), { codes: [1000, code] })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, i) => closed(`7.9.${i + 1}`, closes(code), protocol_error)),
  ...[5000, 65535].map((code, i) => closed(`7.13.${i + 1}`, closes(code), { ...protocol_error, informational: true })),
];

/** Large messages: whole, in fragments, in pieces; then many small ones, each awaited. */
export function family9({ rounds }) {
  const KiB = 1 << 10, MiB = 1 << 20;
  const kinds = [[text, 'text', 'BAsd7&jh23'], [binary, 'binary', '\x00\xfe\x23\xfa\xf0']];
  const filled = (fill, size) => Buffer.alloc(size, fill, 'latin1');
  const fragmented = (opcode, payload, size) => async (client) => {
    const out = [];
    for (let at = 0; at < payload.length; at += size) {
      out.push(frameBytes(at === 0 ? opcode : 0, payload.subarray(at, at + size), { fin: at + size >= payload.length }));
    }
    await client.send(Buffer.concat(out));
  };
  const again = (opcode, payload) => async (client) => {
    for (let i = 1; i <= rounds; ++i) {
      await client.frame(opcode, payload);
      if (!await client.until(() => client.received.length === i)) return;
    }
  };
  return kinds.flatMap(([opcode, kind, fill], k) => [
    ...[64 * KiB, 256 * KiB, MiB, 4 * MiB, 8 * MiB, 16 * MiB].map((size, i) =>
      answered(`9.${1 + k}.${i + 1}`, (c) => c.frame(opcode, filled(fill, size)), [[kind, filled(fill, size)]])),
    ...[64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB].map((size, i) =>
      answered(`9.${3 + k}.${i + 1}`, fragmented(opcode, filled(fill, 4 * MiB), size), [[kind, filled(fill, 4 * MiB)]])),
    ...[64, 128, 256, 512, KiB, 2 * KiB].map((chop, i) =>
      answered(`9.${5 + k}.${i + 1}`, (c) => c.frame(opcode, filled(fill, MiB), { chop }), [[kind, filled(fill, MiB)]])),
    ...[0, 16, 64, 256, KiB, 4 * KiB].map((size, i) =>
      answered(`9.${7 + k}.${i + 1}`, again(opcode, filled(fill, size)), Array(rounds).fill([kind, filled(fill, size)]))),
  ]);
}

const stars = Buffer.alloc(65536, '*');
const family10 = [answered('10.1.1', (client) => client.message(false, stars, 1300), [['text', stars]])];

export const framing = { 1: family1, 2: family2, 3: family3, 4: family4, 5: family5, 6: family6, 7: family7, 10: family10 };
